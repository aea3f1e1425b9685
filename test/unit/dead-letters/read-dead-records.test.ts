import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { beforeEach, describe, expect, it } from 'vitest';
import { archiveKeysOf } from '../../../lambdas/core/account/archive-keys.ts';
import type { FileAccount } from '../../../lambdas/core/account/file-account.ts';
import { receipt as receiptSchema } from '../../../lambdas/core/account/receipt.ts';
import type { OpenDead } from '../../../lambdas/core/dead-letters/reconciliation-csv.ts';
import { noCounts } from '../../../lambdas/core/account/outcome.ts';
import type { DeadRecordPorts } from '../../../lambdas/dead-letters/read-dead-records.ts';
import { atMost } from '../../../lambdas/dead-letters/whole-payload.ts';
import { sha256Of } from '../../../lambdas/core/records/identity.ts';
import { deadOfFiles, readDeadRecords } from '../../../lambdas/dead-letters/read-dead-records.ts';
import type { Letter } from '../../../lambdas/messages.ts';
import { limits } from '../../support/feed-fixture.ts';
import { fileAccount } from '../../support/file-account.ts';
import type { MemoryLedger } from '../../support/memory-ledger.ts';
import { openMemoryLedger } from '../../support/memory-ledger.ts';

let ledger: MemoryLedger;
let objects: Map<string, Buffer>;
let ports: DeadRecordPorts;
let now = 1_000;

const file = (state: FileAccount['state']): FileAccount => ({
  fileId: 'f1',
  feed: 'traffic',
  lane: 'main',
  source: { bucket: 'in', key: 'traffic/a.csv', etag: '"e"', sizeBytes: 1 },
  state,
  createdAt: Date.parse('2026-01-05T04:00:00Z'),
  updatedAt: 0,
  epoch: 1,
  limits: { maxBatchRecords: 1, maxBatchBytes: 1, maxRecordBytes: 1 },
  settledBatches: 0,
  settled: noCounts(),
  ...(state === 'completed' ? { manifest: { key: 'k', number: 1 } } : {}),
});

const line = (record: number, outcome: string) =>
  JSON.stringify({
    record,
    line: record + 1,
    offset: record * 10,
    length: 10,
    sha256: 'x',
    outcome,
    request_id: null,
    status: null,
    attempts: 0,
    at: '2026-01-05T04:00:00.000Z',
    // A payload may say anything.
    ...(outcome === 'uploaded' ? {} : { reason: 'blank', raw_encoding: 'text', raw_payload: '"outcome":"uploaded"' }),
  });

const letter = (record: number) =>
  ({
    file_id: 'f1',
    record,
    letter_id: `L${record}`,
    outcome: 'rejected',
    reason: 'blank',
    error: '',
    timestamp: '2026-01-05T04:00:00.000Z',
  }) as Letter;

const found = async (of: FileAccount) =>
  (await Array.fromAsync(readDeadRecords(of, ports))).map(({ receipt, dead }) => [receipt.record, dead?.letterId]);

beforeEach(async () => {
  ledger = openMemoryLedger({ now: () => now++ });
  objects = new Map();
  ports = {
    ledger,
    archive: {
      getStream: async (key) => {
        const bytes = objects.get(key);
        // In small pieces, as a network has them.
        return bytes && Readable.from(Array.from(bytes, (_, at) => bytes.subarray(at, at + 1)));
      },
    },
    receipts: { getReceipts: async (key) => objects.get(key) ?? Buffer.alloc(0) },
  };
  for (const record of [2, 3, 5]) await ledger.adoptLetter(letter(record), { id: 'm', sentAt: 1 });
  await ledger.resolveDead('f1', 3, { kind: 'handled', by: 'ann', why: 'by phone' });
});

describe('a record that is too long for its receipt', () => {
  const long = Buffer.from(`{"SpotID":"${'x'.repeat(70_000)}"}`);
  const sha256 = sha256Of(long);
  const longFile = fileAccount({ fileId: 'f1', limits: { ...limits, maxRecordBytes: 80_000 } });
  const key = `payloads/f1/${sha256}`;
  const read = async (of: FileAccount, stored: ReadonlyMap<string, Buffer>) => {
    ledger.files.set('f1', of);
    const batch = { fileId: 'f1', batch: 1, attempt: 1, records: 1, firstRecord: 2 };
    await ledger.claimBatch(batch, 'one', 1);
    await ledger.settleBatch('f1', 1, 'one', {
      ...{ counts: { ...noCounts(), rejected: 1 }, receiptsKey: 'r', receiptsSha256: '' },
    });
    const head = { raw_encoding: 'head', raw_payload: long.subarray(0, 1_024).toString('base64') };
    const receipt = { ...(JSON.parse(line(2, 'rejected')) as object), ...head, sha256, length: long.length };
    objects.set('r', gzipSync(JSON.stringify(receipt)));
    const payloads = { getPayload: async (asked: string) => stored.get(asked) };
    const [open] = await Array.fromAsync(readDeadRecords(of, { ...ports, payloads: atMost(1, payloads) }));
    return open?.receipt;
  };

  it('is read completely from where it is stored', async () => {
    expect(await read(longFile, new Map([[key, long]]))).toMatchObject({
      raw_encoding: 'text',
      raw_payload: long.toString(),
    });
  });

  it.each([
    ['is gone', new Map<string, Buffer>()],
    ['is another one', new Map([[key, Buffer.concat([long, Buffer.from(' ')])]])],
  ])('is shown by its head if what is stored %s', async (_, stored) => {
    expect(await read(longFile, stored)).toMatchObject({ raw_encoding: 'head' });
  });

  it('is shown by its head if it is too long for the feed, and nothing is read', async () => {
    const stored = new Map([[key, long]]);
    expect(await read({ ...longFile, limits }, stored)).toMatchObject({ raw_encoding: 'head' });
  });
});

describe('dead records of a closed file', () => {
  const keys = archiveKeysOf(file('completed'));

  it('are those whose letters are open, from the archive', async () => {
    objects.set(keys.deadLetters, gzipSync([2, 3, 5].map((record) => `${line(record, 'rejected')}\n`).join('')));
    expect(await found(file('completed'))).toEqual([
      [2, 'L2'],
      [5, 'L5'],
    ]);
  });

  it('are found in the receipts if nothing else exists, whether or not a letter of them was seen', async () => {
    const members = [
      [1, 'uploaded'],
      [2, 'rejected'],
      [4, 'refused'],
      [6, 'exhausted'],
    ] as const;
    objects.set(
      keys.receipts,
      Buffer.concat(members.map(([record, outcome]) => gzipSync(`${line(record, outcome)}\n`))),
    );
    expect(await found(file('completed'))).toEqual([
      [2, 'L2'],
      [4, undefined],
      [6, undefined],
    ]);
  });

  it('are reported with the store’s own error if they can’t be read', async () => {
    objects.set(keys.deadLetters, gzipSync(line(2, 'rejected')).subarray(0, 40));
    await expect(found(file('completed'))).rejects.toThrow('unexpected end of file');
  });
});

describe('dead records of a file in progress', () => {
  it('are those of its settled batches', async () => {
    const settle = async (batch: number, lines: string[], rejected: number) => {
      const place = { fileId: 'f1', batch, attempt: 1, records: lines.length, firstRecord: 1 };
      await ledger.claimBatch(place, 'o', 1);
      objects.set(`r${batch}`, gzipSync(`${lines.join('\n')}\n`));
      const counts = { ...noCounts(), uploaded: lines.length - rejected, rejected };
      await ledger.settleBatch('f1', batch, 'o', { counts, receiptsKey: `r${batch}`, receiptsSha256: 'x' });
    };
    ledger.files.set('f1', file('split'));
    await settle(1, [line(1, 'uploaded'), line(2, 'rejected')], 1);
    await ledger.claimBatch({ fileId: 'f1', batch: 2, attempt: 1, records: 2, firstRecord: 3 }, 'o', 1);
    await settle(3, [line(5, 'rejected'), line(6, 'uploaded')], 1);
    expect(await found(file('split'))).toEqual([
      [2, 'L2'],
      [5, 'L5'],
    ]);
  });
});

describe('the dead records of several files', () => {
  const closed = (nth: number, rejected = 1) => ({
    ...file('completed'),
    fileId: `f${nth}`,
    settled: { ...noCounts(), rejected },
  });

  it('are read ahead, several files at once, and come in the order of the files', async () => {
    const begun: string[] = [];
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    async function* read(one: FileAccount): AsyncGenerator<OpenDead> {
      begun.push(one.fileId);
      // The first one ends last.
      if (one.fileId === 'f1') await held;
      else if (begun.length === 4) release();
      yield { file: one, receipt: receiptSchema.parse(JSON.parse(line(1, 'rejected'))), dead: undefined };
    }
    const order: string[] = [];
    for await (const { file: one, records } of deadOfFiles(
      [1, 2, 3, 4].map((nth) => closed(nth)),
      read,
    ))
      for await (const open of records) order.push(`${one.fileId}/${open.receipt.record}`);
    expect(order).toEqual(['f1/1', 'f2/1', 'f3/1', 'f4/1']);
  });

  it('are not kept in memory where a file has many', async () => {
    let made = 0;
    async function* read(one: FileAccount): AsyncGenerator<OpenDead> {
      for (; made < 10_000; made++)
        yield { file: one, receipt: receiptSchema.parse(JSON.parse(line(1, 'rejected'))), dead: undefined };
    }
    for await (const { records } of deadOfFiles([closed(1, 10_000)], read)) {
      for await (const _ of records) break;
    }
    expect(made).toBeLessThan(10);
  });
});
