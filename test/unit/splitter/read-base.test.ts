import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { readBase } from '../../../lambdas/splitter/read-base.ts';

const id = (record: number): string => createHash('sha256').update(String(record)).digest('hex');

/** @param receipts outcome and attempts of each record */
async function knownOf(receipts: [outcome: string, attempts: number][]): Promise<(number | undefined)[]> {
  const lines = receipts.map(([outcome, attempts], place) =>
    JSON.stringify({ record: place + 1, sha256: id(place), outcome, request_id: id(place + 1), attempts }),
  );
  const bytes = gzipSync(lines.join('\n'));
  const pinned = { key: 'receipts', sha256: createHash('sha256').update(bytes).digest('hex') };
  const base = { fileId: 'a', manifest: 1, checksum: id(99), records: receipts.length, receipts: pinned };
  const archive = { getStream: () => Promise.resolve(Readable.from([bytes])) };
  const known = await readBase(base, { archive, onProgress: () => Promise.resolve() });
  return receipts.map((_, place) => known?.recordOf(id(place + 1)));
}

describe('what the API has of an earlier revision', () => {
  it('has a duplicate that the API has answered, and none that repeats a record which was not sent', async () => {
    expect(
      await knownOf([
        ['uploaded', 1],
        ['duplicate', 1],
        ['duplicate', 0],
      ]),
    ).toEqual([1, 2, undefined]);
  });
});
