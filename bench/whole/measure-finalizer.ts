/** What the finalizer's memory does with the number of batches: `node measure-finalizer.ts BATCHES`, a process for each. */
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { gzipSync } from 'node:zlib';
import { systemClock } from '../../lambdas/adapters/system-clock.ts';
import type { BatchAccount } from '../../lambdas/core/account/file-account.ts';
import { noCounts } from '../../lambdas/core/account/outcome.ts';
import type { Receipt } from '../../lambdas/core/account/receipt.ts';
import { finalizeFile } from '../../lambdas/finalizer/finalize-file.ts';
import { fileAccount } from '../../test/support/file-account.ts';
import type { MemoryLedger } from '../../test/support/memory-ledger.ts';
import { openMemoryLedger } from '../../test/support/memory-ledger.ts';
import { silentLog } from '../../test/support/in-memory-ports.ts';
import { peakOf } from '../delivery/cpu-by-part.ts';

export interface FinalizerFigures {
  batches: number;
  records: number;
  peakMb: number;
  /** CPU-seconds for 100,000 records, making the receipts apart. */
  cpuSecondsPer100k: number;
}

const batchRecords = 500;

/** One dead letter in a hundred. */
function receiptsOf(batch: number): Buffer {
  const lines: string[] = [];
  for (let place = 0; place < batchRecords; place++) {
    const record = (batch - 1) * batchRecords + place + 1;
    const sha256 = createHash('sha256').update(String(record)).digest('hex');
    const isDead = record % 100 === 0;
    const receipt: Receipt = {
      ...{ record, line: record + 1, offset: record * 60, length: 60, sha256 },
      ...{ outcome: isDead ? 'rejected' : 'uploaded', request_id: isDead ? null : sha256 },
      ...{ status: isDead ? null : 201, attempts: isDead ? 0 : 1, at: new Date(1.7e12 + record * 10).toISOString() },
      ...(isDead ? { reason: 'blank', field: 'StationCode', error: 'is blank', raw_payload: `"${sha256}"` } : {}),
    };
    lines.push(JSON.stringify(receipt));
  }
  return gzipSync(`${lines.join('\n')}\n`, { level: 1 });
}

/** A file whose batches are all settled. */
function openSettledLedger(batches: number): MemoryLedger {
  async function* listBatches(fileId: string): AsyncGenerator<BatchAccount> {
    for (let batch = 1; batch <= batches; batch++) {
      const counts = { ...noCounts(), rejected: batchRecords / 100, uploaded: batchRecords - batchRecords / 100 };
      const receiptsSha256 = createHash('sha256').update(receiptsOf(batch)).digest('hex');
      const firstRecord = (batch - 1) * batchRecords + 1;
      yield {
        ...{ fileId, batch, attempt: 1, state: 'settled', records: batchRecords, firstRecord, counts },
        ...{ receiptsKey: String(batch), receiptsSha256 },
      };
    }
  }
  return { ...openMemoryLedger(systemClock), listBatches };
}

async function measure(batches: number): Promise<FinalizerFigures> {
  const records = batches * batchRecords;
  const ledger = openSettledLedger(batches);
  const file = fileAccount({
    totalRecords: records,
    totalBatches: batches,
    settledBatches: batches,
    sha256: '0'.repeat(64),
  });
  ledger.files.set(file.fileId, file);
  const drain = (_: string, body: Readable): Promise<void> => finished(body.resume());
  let makingCpu = 0;
  await finalizeFile(
    { v: 1, kind: 'finalize', feed: file.feed, fileId: file.fileId, amend: false },
    {
      ledger,
      receipts: {
        putReceipts: async () => undefined,
        getReceipts: async (key) => {
          const before = process.cpuUsage();
          const bytes = receiptsOf(Number(key));
          const { user, system } = process.cpuUsage(before);
          makingCpu += (user + system) / 1e6;
          return bytes;
        },
      },
      archive: {
        ...{ copySource: async (_, key) => ({ key }), has: async () => false, putStream: drain },
        ...{ putOnce: async () => 'stored', getText: async () => undefined, getStream: async () => undefined },
      },
      ...{
        archiveBucket: 'archive',
        finalize: { send: async () => undefined },
        desk: { notify: async () => undefined },
        mails: { askForMail: async () => undefined },
        metrics: { add: () => undefined, flush: () => undefined },
      },
      reported: () => ({ sink: 'http', limit: { requests: 6_000, windowSeconds: 60 } }),
      feedDecisions: async () => [],
      ...{ events: { publish: async () => undefined }, clock: systemClock, log: silentLog, version: 'bench' },
    },
  );
  const { user, system } = process.cpuUsage();
  // The receipts are made twice: for their hashes too.
  const cpuSeconds = (user + system) / 1e6 - 2 * makingCpu;
  return { batches, records, peakMb: peakOf(process.pid) ?? NaN, cpuSecondsPer100k: (cpuSeconds * 100_000) / records };
}

console.log(JSON.stringify(await measure(Number(process.argv[2]))));
