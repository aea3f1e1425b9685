import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { archiveKeysOf } from '../../../../lambdas/core/account/archive-keys.ts';
import { requestIdOf } from '../../../../lambdas/core/records/identity.ts';

it('makes the request id from the JSON text of spot, airtime and checksum', () => {
  const text = '["SP-1","2026-01-05 06:00:00","abc"]';
  expect(requestIdOf(['SP-1', '2026-01-05 06:00:00'], 'abc')).toBe(createHash('sha256').update(text).digest('hex'));
});

it('distinguishes values that would be equal when joined by a separator', () => {
  expect(requestIdOf(['a', 'b,c'], 'x')).not.toBe(requestIdOf(['a,b', 'c'], 'x'));
});

it('keeps a file’s evidence in one folder, whatever its key contains', () => {
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
