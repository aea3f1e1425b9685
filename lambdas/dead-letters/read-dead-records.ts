import { gunzipSync } from 'node:zlib';
import { archiveKeysOf } from '../core/account/archive-keys.ts';
import type { FileAccount } from '../core/account/file-account.ts';
import { isOpen } from '../core/account/file-account.ts';
import { countFailed } from '../core/account/outcome.ts';
import type { Receipt } from '../core/account/receipt.ts';
import { receipt as receiptSchema } from '../core/account/receipt.ts';
import { mapAhead } from '../core/at-once.ts';
import type { OpenDead } from '../core/dead-letters/reconciliation-csv.ts';
import { InStep } from '../core/in-step.ts';
import type { Archive, BatchLedger, DeadLedger, PayloadStore, ReceiptStore } from '../ports.ts';
import { gzipLines } from './gzip-lines.ts';
import { withWholePayload } from './whole-payload.ts';

export interface DeadRecordPorts {
  ledger: Pick<DeadLedger, 'listDead'> & Pick<BatchLedger, 'listBatches'>;
  archive: Pick<Archive, 'getStream'>;
  receipts: Pick<ReceiptStore, 'getReceipts'>;
  /** Set to read whole records; without it, long ones have only their heads. */
  payloads?: Pick<PayloadStore, 'getPayload'>;
}

/** How a file's open dead records are read. */
export type ReadDead = (file: FileAccount) => AsyncIterable<OpenDead>;

/** Objects of long records, and of batches' receipts, that are read at once. */
const objectsAtOnce = 16;
const receiptsAtOnce = 4;
/** Files that are read at once. */
const filesAtOnce = 8;
/** A file with more dead records is read in its turn, one record after the other: a record may have 100 KB. */
const maxReadAhead = 25;

/** Each file with its open dead records, in the order of the files. The next ones are read meanwhile, if they have few. */
export function deadOfFiles(
  files: Iterable<FileAccount> | AsyncIterable<FileAccount>,
  readDead: ReadDead,
): AsyncGenerator<{ file: FileAccount; records: AsyncIterable<OpenDead> | readonly OpenDead[] }> {
  return mapAhead(files, filesAtOnce, async (file) => {
    const records = readDead(file);
    if (countFailed(file.settled) > maxReadAhead) return { file, records };
    const few: OpenDead[] = [];
    for await (const open of records) few.push(open);
    return { file, records: few };
  });
}

/**
 * Reads a file's open dead records, in the file's order, with their content: from the archive if the file is closed, from
 * the settled batches' receipts if it is in progress. The queues are not read: records purged from a DLQ are included.
 * Memory does not grow with their number.
 */
export async function* readDeadRecords(file: FileAccount, ports: DeadRecordPorts): AsyncGenerator<OpenDead> {
  const { payloads } = ports;
  const records = openRecords(file, ports);
  const withPayload = async (open: OpenDead): Promise<OpenDead> => ({
    ...open,
    receipt: payloads ? await withWholePayload(file, open.receipt, payloads) : open.receipt,
  });
  yield* payloads ? mapAhead(records, objectsAtOnce, withPayload) : records;
}

async function* openRecords(file: FileAccount, ports: DeadRecordPorts): AsyncGenerator<OpenDead> {
  const known = new InStep(ports.ledger.listDead(file.fileId), ({ record }) => record);
  for await (const receipt of failedReceipts(file, ports)) {
    // In an open file, a letter may be known before its batch has settled: it is reported afterwards.
    const dead = await known.find(receipt.record);
    if (dead?.state === 'resolved') continue;
    yield { file, receipt, dead };
  }
}

function failedReceipts(file: FileAccount, ports: DeadRecordPorts): AsyncGenerator<Receipt> {
  return isOpen(file) || !file.manifest ? failedInBatches(file, ports) : failedInArchive(file, ports);
}

async function* failedInBatches({ fileId }: FileAccount, ports: DeadRecordPorts): AsyncGenerator<Receipt> {
  const keys = receiptsWithFailures(fileId, ports);
  for await (const gzip of mapAhead(keys, receiptsAtOnce, (key) => ports.receipts.getReceipts(key)))
    yield* failedAmong(gunzipSync(gzip).toString('utf8').split('\n'));
}

async function* receiptsWithFailures(fileId: string, { ledger }: DeadRecordPorts): AsyncGenerator<string> {
  for await (const { state, counts, receiptsKey } of ledger.listBatches(fileId)) {
    if (state === 'settled' && counts && receiptsKey !== undefined && countFailed(counts) > 0) yield receiptsKey;
  }
}

async function* failedInArchive(file: FileAccount, { archive }: DeadRecordPorts): AsyncGenerator<Receipt> {
  const keys = archiveKeysOf(file);
  // A file closed before dead letters had their own object has only its receipts.
  const stream = (await archive.getStream(keys.deadLetters)) ?? (await archive.getStream(keys.receipts));
  if (!stream) return;
  for await (const lines of gzipLines(stream)) yield* failedAmong(lines);
}

function* failedAmong(lines: readonly string[]): Generator<Receipt> {
  for (const line of lines) {
    // A check of the text avoids parsing the millions of delivered records.
    if (!/"outcome":"(?:rejected|refused|exhausted)"/.test(line)) continue;
    const receipt = receiptSchema.parse(JSON.parse(line));
    if (receipt.outcome === 'rejected' || receipt.outcome === 'refused' || receipt.outcome === 'exhausted')
      yield receipt;
  }
}
