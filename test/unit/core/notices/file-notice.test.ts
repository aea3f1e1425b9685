import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { noticeKindOf, isUnsent } from '../../../../lambdas/core/notices/file-notice.ts';
import { verdictOf } from '../../../../lambdas/core/report/verdict.ts';
import { exitCodeOf } from '../../../../cli/show/exit-code-of.ts';
import { FileWorld, rowOf } from '../../../support/file-world.ts';
import { manifestOf } from '../../../support/report-facts.ts';
import { zipArchive } from '../../../support/zip-archive.ts';

const header = 'SpotID,StationCode,AirDateTime,Duration,ClientName';
const gzip = gzipSync(`${header}\n${rowOf(1)}\n`);
const damaged = Buffer.from(gzip);
damaged.fill(0, 20, 40);

/** Any fault of a file is handled in one place, and the desk is notified with the reason. */
it.each<[string, Buffer, string]>([
  ['a damaged gzip', damaged, 'failed'],
  ['a gzip that was cut off', gzip.subarray(0, gzip.length - 9), 'failed'],
  ['a gzip of nothing', gzipSync(''), 'empty'],
  [
    'a ZIP of two files',
    zipArchive([
      { name: 'a.csv', content: 'x' },
      { name: 'b.csv', content: 'y' },
    ]),
    'failed',
  ],
  ['a picture', Buffer.from('\x89PNG\r\n\x1a\n\0\0\0\rIHDR', 'latin1'), 'failed'],
  ['another header', Buffer.from('Song,Artist\nx,y\n'), 'failed'],
  ['a web page', Buffer.from('<!doctype html><html><body>Login</body></html>'), 'failed'],
  ['nothing', Buffer.alloc(0), 'empty'],
  ['blank lines', Buffer.from('\n\n\n'), 'empty'],
  ['a header and no row', Buffer.from(`${header}\n`), 'empty'],
])('the desk is notified of %s', async (_, bytes, kind) => {
  const world = new FileWorld([]);
  Object.assign(world.splitter.object, { bytes });
  world.splitter.source.sizeBytes = bytes.length;
  await world.split();
  const manifest = await world.finalize();
  expect(manifest && noticeKindOf(manifest)).toBe(kind);
  expect(world.notified).toHaveLength(1);
  const why = manifest?.failure?.message ?? manifest?.warnings[0]?.message ?? 'The file has no records.';
  expect(world.notified[0]).toContain(why);
  expect(world.consumer.metrics).toContainEqual({ name: 'UnsentFiles', value: 1 });
  expect(manifest && exitCodeOf(manifest)).toBe(1);
  expect(manifest && verdictOf(manifest, 'the API', undefined)).toMatchObject({ kind: 'bad' });
});

it('the desk is notified of a file that was replaced while it was read', async () => {
  const world = new FileWorld([rowOf(1)]);
  world.splitter.object.etag = '"2"';
  await world.split();
  const manifest = await world.finalize();
  expect(manifest && noticeKindOf(manifest)).toBe('replaced');
  expect(world.notified[0]).toContain('was replaced while it was read');
});

it('a file that was sent needs no notification, nor one that is not closed', async () => {
  const world = new FileWorld([rowOf(1)]);
  await world.split();
  for (const message of world.splitter.sent) await world.deliver(message);
  const manifest = await world.finalize();
  expect(manifest && noticeKindOf(manifest)).toBeUndefined();
  expect(world.notified).toEqual([]);
  expect(noticeKindOf({ ...manifestOf(), state: 'split' })).toBeUndefined();
  expect([undefined, 'duplicate', 'stopped', 'replaced'].some((kind) => isUnsent(kind as undefined))).toBe(false);
});
