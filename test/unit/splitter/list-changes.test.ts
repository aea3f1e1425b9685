import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { feedNamed } from '../../../feeds/index.ts';
import { sha256Of } from '../../../lambdas/core/records/identity.ts';
import { ChangedRecords } from '../../../lambdas/core/series/changed-records.ts';
import { readComparison } from '../../../lambdas/core/series/read-comparison.ts';
import type { EarlierPorts } from '../../../lambdas/splitter/read-earlier.ts';
import { listChanges } from '../../../lambdas/splitter/list-changes.ts';
import { csvDialect } from '../../support/room-fixture.ts';
import { fileAccount } from '../../support/file-account.ts';

const header = 'SpotID,StationCode,AirDateTime,Duration,ClientName\n';
const rowOf = (n: number) => `SP-${String(n).padStart(7, '0')},WABC,2026-01-05 06:00:00,30,Client ${n}`;
const limits = { maxBatchRecords: 500, maxBatchBytes: 64 * 1024, maxRecordBytes: 8 * 1024 };

/** An earlier file with so many records, last to first, of which these are removed. */
function world(records: number, removed: readonly number[], source?: string, checksum?: string) {
  const text = source ?? header + Array.from({ length: records }, (_, n) => `${rowOf(records - n)}\n`).join('');
  const dialect = { ...csvDialect, bodyOffset: header.length };
  const file = fileAccount({ fileId: 'traffic.earlier', sha256: 'c'.repeat(64), dialect, limits });
  let reads = 0;
  const ports: EarlierPorts = {
    ledger: {
      getFile: async () => file,
      getManifestFigures: async () => ({ archive: { source_key: 'source' } }) as never,
    },
    archive: { getStream: async () => (reads++, source === '' ? undefined : Readable.from([Buffer.from(text)])) },
    feed: feedNamed('traffic'),
    onProgress: async () => undefined,
  };
  const base = {
    ...{ fileId: 'traffic.earlier', manifest: 1, checksum: checksum ?? sha256Of(text), records },
    receipts: { key: 'receipts', sha256: 'a'.repeat(64) },
  };
  const plan = { removedRecords: () => removed, isRemovedAs: () => true } as never;
  const list = async (changes = new ChangedRecords(dialect), most?: { records: number; characters: number }) => {
    const { lines } = await listChanges({ bases: [base], plan, changes }, ports, most);
    const bytes = async function* () {
      for await (const line of lines()) yield Buffer.from(line);
    };
    return Array.fromAsync(readComparison(bytes()));
  };
  return { list, readsOf: () => reads, dialect };
}

describe('removed records', () => {
  it('are sorted by identity, from one pass over the earlier file', async () => {
    const { list, readsOf } = world(50, [1, 50, 25]);
    expect((await list()).map(({ earlier_record: record, before }) => [record, before])).toEqual([
      [50, rowOf(1)],
      [25, rowOf(26)],
      [1, rowOf(50)],
    ]);
    expect(readsOf()).toBe(1);
  });

  it.each([
    ['are too many', { records: 29, characters: 1e6 }],
    ['have too much text', { records: 1e6, characters: 200 }],
  ])('are all listed if they %s to be sorted, in the order of their file', async (_, most) => {
    const { list } = world(
      30,
      Array.from({ length: 30 }, (_, n) => n + 1),
    );
    const rows = await list(undefined, most);
    expect(rows.map(({ earlier_record: record, before }) => [record, before])).toEqual(
      Array.from({ length: 30 }, (_, n) => [n + 1, rowOf(30 - n)]),
    );
  });

  it('are listed by their numbers if the earlier file is gone', async () => {
    const { list } = world(9, [4], '');
    expect(await list()).toMatchObject([
      { change: 'removed', earlier_record: 4, identity: null, before: null, note: 'the earlier text is not available' },
    ]);
  });

  it('are refused from a copy in the archive that was changed', async () => {
    await expect(world(9, [4], undefined, 'd'.repeat(64)).list()).rejects.toThrow('source in the archive was changed');
  });
});

describe('new and changed records', () => {
  const added = (record: number, text = rowOf(record)) =>
    ({
      ...{ record, line: record, offset: 0, length: 1, sha256: '', bytes: Buffer.from(text) },
      result: { kind: 'good', requestId: '', identity: [text.slice(0, 10)], payload: {}, json: '{}' },
    }) as const;

  it('are listed as far as they fit, and the last row has the number of the others', async () => {
    const { list, dialect } = world(9, [2]);
    const changes = new ChangedRecords(dialect, 200);
    for (let record = 1; record <= 10; record++) changes.add(added(record), {});
    const rows = await list(changes);
    expect(rows.map(({ change }) => change)).toEqual(['new', 'new', 'new', 'removed', 'not listed']);
    expect(rows.at(-1)?.note).toMatch(/^7 more records are new or changed/);
  });
});
