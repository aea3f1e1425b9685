import { gzipSync } from 'node:zlib';
import type { Feed } from '../../feeds/feed.ts';
import { askToFinalize } from '../ask-finalizer.ts';
import { workReceiptsKey } from '../core/account/archive-keys.ts';
import type { FileAccount } from '../core/account/file-account.ts';
import type { OutcomeCounts } from '../core/account/outcome.ts';
import { countFailed, noCounts, sumCounts } from '../core/account/outcome.ts';
import { wrongFile } from '../core/account/quarantine.ts';
import type { Receipt } from '../core/account/receipt.ts';
import { sha256Of } from '../core/records/identity.ts';
import type { BatchMessage } from '../messages.ts';
import type { BatchLedger, Clock, FileLedger, FinalizeQueue, ReceiptStore } from '../ports.ts';
import { auditRecords } from './audit-records.ts';
import type { StopPorts } from './stop-file.ts';
import { stopFile } from './stop-file.ts';

/**
 * Hashes are most of the receipts, and what repeats is in the receipt before: a window of 4 KB in place of 32 takes a third
 * less time and 5% less space. zlib's defaults take more than twice the time.
 */
const compression = { level: 1, windowBits: 12 };

export interface SettlePorts extends StopPorts {
  ledger: StopPorts['ledger'] & Pick<BatchLedger, 'settleBatch'> & Pick<FileLedger, 'getFile'>;
  receipts: Pick<ReceiptStore, 'putReceipts'>;
  finalize: FinalizeQueue;
  clock: Pick<Clock, 'now'>;
  feed: Feed;
}

export interface EndedBatch {
  message: Pick<BatchMessage, 'fileId' | 'batch' | 'attempt'>;
  /** Who has claimed the batch. */
  owner: string;
  /** One per record of the batch. */
  receipts: readonly Receipt[];
  /** The counts that the batch was settled with before, while some of its records were held. */
  replaces: OutcomeCounts | undefined;
  /** For a batch with records that are held now: what the consumer that sends them later must know. */
  progress?: Uint8Array | undefined;
  /** Of the first batch: since when the file's records are sent. */
  sendingSince?: number | undefined;
  /** By the reconciler: the batch killed its consumers. */
  buried?: true;
}

/**
 * Settles a batch of which every record has ended. Receipts first, then the ledger, then the finalizer's message: each step
 * relies on the one before.
 * @returns the outcomes; undefined if another process has claimed the batch since, or settled it
 */
export async function settleBatch(ended: EndedBatch, ports: SettlePorts): Promise<OutcomeCounts | undefined> {
  const { message, owner, receipts, replaces, progress, sendingSince, buried } = ended;
  const { fileId, batch, attempt } = message;
  const counts = noCounts();
  for (const { outcome } of receipts) counts[outcome]++;
  const bytes = gzipSync(`${receipts.map((receipt) => JSON.stringify(receipt)).join('\n')}\n`, compression);
  const receiptsKey = workReceiptsKey(fileId, batch, attempt, owner);
  await ports.receipts.putReceipts(receiptsKey, bytes);
  auditRecords(fileId, receipts, ports.feed, ports.log);
  const settlement = {
    counts,
    receiptsKey,
    receiptsSha256: sha256Of(bytes),
    ...(buried ? { buried } : {}),
    ...(progress ? { progress } : {}),
    ...(replaces ? { replaces } : {}),
    ...(sendingSince === undefined ? {} : { sendingSince }),
  };
  if (!(await ports.ledger.settleBatch(fileId, batch, owner, settlement))) return undefined;
  countRecords(counts, ports);
  logFailures(fileId, batch, receipts, ports);
  ports.log.info('batch settled', { correlation_id: fileId, batch, attempt, ...counts });
  await reviewFile(fileId, ports);
  return counts;
}

/** Read after the write: of two batches that are settled concurrently, the later one sees both. */
async function reviewFile(fileId: string, ports: SettlePorts): Promise<void> {
  const file = await ports.ledger.getFile(fileId);
  if (!file) return;
  reportRejects(file, ports);
  // A wrong file must not cause a million dead letters: once too much of it is rejected, the rest is held.
  const quarantine = wrongFile(file, ports.feed.toleratedRejects, ports.clock.now());
  if (quarantine) await stopFile(file, quarantine, ports);
  await askToFinalize(file, ports.finalize);
}

/** Below this, a percentage is meaningless. */
const fewestRecords = 100;

/** Reports the percentage of the file rejected so far: the alarm goes off before the file is stopped. */
function reportRejects({ settled }: FileAccount, { metrics }: SettlePorts): void {
  const seen = sumCounts(settled);
  if (seen >= fewestRecords) metrics.add('RejectShare', (100 * settled.rejected) / seen);
}

/** Logs a line per reason: the dashboard shows why dead letters were made. */
function logFailures(fileId: string, batch: number, receipts: readonly Receipt[], { log }: SettlePorts): void {
  const counts = new Map<string, number>();
  for (const { reason } of receipts) if (reason !== undefined) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  for (const [reason, count] of counts) log.info('records failed', { correlation_id: fileId, batch, reason, count });
}

function countRecords(counts: OutcomeCounts, { metrics }: SettlePorts): void {
  metrics.add('ProcessedRecords', sumCounts(counts));
  metrics.add('FailedRecords', counts.refused + counts.exhausted);
  metrics.add('RejectedRecords', counts.rejected);
  metrics.add('DeadLetteredRecords', countFailed(counts));
}
