import { expect, it } from 'vitest';
import { fileIdOf, isFileId } from '../../../../lambdas/core/account/file-id.ts';

it('gives one upload one file id, and another upload under the same key another', () => {
  const upload = { bucket: 'b', key: 'traffic/log.csv', versionId: 'v1' };
  expect(fileIdOf('traffic', upload)).toMatch(/^traffic\.[0-9a-f]{24}$/);
  expect(fileIdOf('traffic', { ...upload })).toBe(fileIdOf('traffic', upload));
  expect(fileIdOf('maintenance', upload)).toBe(fileIdOf('traffic', upload).replace('traffic', 'maintenance'));
  expect(fileIdOf('traffic', { ...upload, versionId: 'v2' })).not.toBe(fileIdOf('traffic', upload));
  expect(fileIdOf('traffic', { bucket: 'b', key: 'k', sequencer: '1' })).not.toBe(
    fileIdOf('traffic', { bucket: 'b', key: 'k', sequencer: '2' }),
  );
});

it('recognises the form of its ids, and of those of an earlier version', () => {
  expect(isFileId(fileIdOf('traffic-log', { bucket: 'b', key: 'k', versionId: 'v' }))).toBe(true);
  expect(isFileId('0123456789abcdef01234567')).toBe(true);
  for (const other of ['', 'traffic', 'traffic.', 'traffic.0123', 'Traffic.0123456789abcdef01234567']) {
    expect(isFileId(other)).toBe(false);
  }
  expect(isFileId('a.b.0123456789abcdef01234567')).toBe(false);
});
