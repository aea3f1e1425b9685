import { LatestPlan } from '../lambdas/splitter/latest-plan.ts';
import { feedNamed } from '../feeds/index.ts';
import type { FileAccount, SourceObject } from '../lambdas/core/account/file-account.ts';
import type { CutLimits, Dialect } from '../lambdas/core/records/dialect.ts';
import { detectDialect } from '../lambdas/core/records/detect-dialect.ts';
import type { BatchMessage } from '../lambdas/messages.ts';
import type { Clock, SplitProgress } from '../lambdas/ports.ts';
import type { Deadline } from '../lambdas/runtime/deadline.ts';
import type { SplitterPorts } from '../lambdas/splitter/splitter-ports.ts';
import type { MemoryLedger } from '../test/support/memory-ledger.ts';
import { openMemoryLedger } from '../test/support/memory-ledger.ts';
import { silentLog } from '../test/support/in-memory-ports.ts';
import { SimulatedClock } from '../test/support/simulated-clock.ts';
import type { SplitterCase } from './splitter-cases.ts';

/** As the stage `prod` has them. */
const limits: CutLimits = { maxBatchRecords: 1_000, maxBatchBytes: 192_000, maxRecordBytes: 64 * 1024 };

/** All the time of a function that has just begun. */
export const wholeInvocation: Deadline = { remainingMs: () => 900_000, isDrawingIn: () => false };

export const feed = feedNamed('traffic');

/** Without the copies by which the tests' ledger keeps its items apart: they would be a sixth of pass 2. */
function openLedgerAtHand(clock: Pick<Clock, 'now'>): MemoryLedger {
  const ledger = openMemoryLedger(clock);
  const saveSplitProgress = async (fileId: string, _epoch: number, progress: SplitProgress) =>
    Object.assign(ledger.files.get(fileId) as FileAccount, progress);
  return { ...ledger, saveSplitProgress };
}

/** What the splitter works with, where neither reading nor sending takes time. */
export function portsInMemory(
  read: (offset: number) => Iterable<Buffer> | AsyncIterable<Buffer>,
  send: (messages: BatchMessage[]) => void | Promise<void>,
): SplitterPorts & { ledger: MemoryLedger } {
  const clock = new SimulatedClock();
  return {
    feed,
    gzip: { maxContentBytes: 20e9, maxRatio: 200, roomMs: 450_000 },
    // More than any of the files has: no consumer settles the batches.
    plans: new LatestPlan(),
    horizon: { records: 1e9, recordsPerSecond: 1e6 },
    ledger: openLedgerAtHand(clock),
    sources: {
      head: () => Promise.reject(new Error('nobody looks')),
      async *read(_source, offset) {
        yield* read(offset);
      },
    },
    batches: {
      sendBatches: async (messages) => send(messages),
      sendSuccessor: () => Promise.reject(new Error('a splitter sends no successors')),
    },
    intake: { send: async () => undefined },
    finalize: { send: async () => undefined },
    clock,
    log: silentLog,
    newOwner: () => 'bench',
    metrics: { add: () => undefined },
    newMessageKey: () => '0f'.repeat(32),
  };
}

/** The chunks of a file, from a given byte on. */
export function* from(chunks: Iterable<Buffer>, offset: number): Generator<Buffer> {
  let skip = offset;
  for (const chunk of chunks) {
    if (skip < chunk.length) yield chunk.subarray(skip);
    skip = Math.max(0, skip - chunk.length);
  }
}

/** More than the detection of any format reads. */
const detectedBytes = 1024 * 1024;

export function newFile({ format }: SplitterCase, sizeBytes: number) {
  const source: SourceObject = { bucket: 'intake', key: `traffic/export.${format}`, etag: '"1"', sizeBytes };
  return { fileId: 'file', feed: 'traffic', lane: 'main', source, limits };
}

/** A file that a splitter has just claimed. */
export async function claimed(one: SplitterCase, sizeBytes: number, ports: SplitterPorts): Promise<FileAccount> {
  const claim = await ports.ledger.claimFile('file', newFile(one, sizeBytes), ports.newOwner(), 60_000);
  if (claim.kind !== 'claimed') throw new Error('A new file is free to be claimed.');
  return claim.file;
}

/** @param head of a file; one shorter than what the detection reads counts as the whole file */
export function dialectOf({ format }: SplitterCase, head: Buffer): Dialect {
  const { encoding, columns } = feed;
  const found = detectDialect(head, head.length < detectedBytes, {
    formats: [format],
    encoding,
    columns,
    key: 'export',
  });
  if (found.kind !== 'dialect') throw new Error(`The file's beginning is no ${format}.`);
  return found.dialect;
}
