import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { archiveKeysOf } from '../../../../lambdas/core/account/archive-keys.ts';
import { fileIdOf, requestIdOf } from '../../../../lambdas/core/records/identity.ts';

it('makes the request id from the JSON text of spot, airtime and checksum', () => {
  const text = '["SP-1","2026-01-05 06:00:00","abc"]';
  expect(requestIdOf(['SP-1', '2026-01-05 06:00:00'], 'abc')).toBe(createHash('sha256').update(text).digest('hex'));
});

it('tells apart what a separator would not', () => {
  expect(requestIdOf(['a', 'b,c'], 'x')).not.toBe(requestIdOf(['a,b', 'c'], 'x'));
});

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

it('keeps a file’s evidence in one folder, whatever its key holds', () => {
  const file = {
    feed: 'traffic',
    fileId: 'f1',
    createdAt: Date.UTC(2026, 10, 5, 23, 59),
    source: { key: 'traffic/a b/../Ünï+%2F.csv' },
  };
  const keys = archiveKeysOf(file);
  expect(keys.source).toBe('traffic/2026/11/05/f1/source/Ünï+%2F.csv');
  expect(keys.manifest(1)).toBe('traffic/2026/11/05/f1/manifest.json');
  expect(keys.manifest(2)).toBe('traffic/2026/11/05/f1/manifest.2.json');
});

it.each(['traffic/', 'traffic/.', 'traffic/..'])(
  'gives the source dropped as %s a name that stays in its folder',
  (key) => {
    const keys = archiveKeysOf({ feed: 'traffic', fileId: 'f1', createdAt: Date.UTC(2026, 10, 5), source: { key } });
    expect(keys.source).toBe('traffic/2026/11/05/f1/source/source');
  },
);
