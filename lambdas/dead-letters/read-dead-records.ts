import { gunzipSync } from 'node:zlib';
import { archiveKeysOf } from '../core/account/archive-keys.ts';
import type { FileAccount } from '../core/account/file-account.ts';
import { isOpen } from '../core/account/file-account.ts';
import type { Receipt } from '../core/account/receipt.ts';
import { receipt as receiptSchema } from '../core/account/receipt.ts';
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

/**
 * Reads a file's open dead records, in the file's order, with their content: from the archive if the file is closed, from
 * the settled batches' receipts if it is in progress. The queues are not read: records purged from a DLQ are included.
 * Memory does not grow with their number.
 */
export async function* readDeadRecords(file: FileAccount, ports: DeadRecordPorts): AsyncGenerator<OpenDead> {
  const known = new InStep(ports.ledger.listDead(file.fileId), ({ record }) => record);
  for await (const receipt of failedReceipts(file, ports)) {
    // In an open file, a letter may be known before its batch has settled: it is reported afterwards.
    const dead = await known.find(receipt.record);
    if (dead?.state === 'resolved') continue;
    const whole = ports.payloads ? await withWholePayload(file, receipt, ports.payloads) : receipt;
    yield { file, receipt: whole, dead };
  }
}

function failedReceipts(file: FileAccount, ports: DeadRecordPorts): AsyncGenerator<Receipt> {
  return isOpen(file) || !file.manifest ? failedInBatches(file, ports) : failedInArchive(file, ports);
}

async function* failedInBatches({ fileId }: FileAccount, ports: DeadRecordPorts): AsyncGenerator<Receipt> {
  for await (const { state, counts, receiptsKey } of ports.ledger.listBatches(fileId)) {
    if (state !== 'settled' || !counts || receiptsKey === undefined) continue;
    if (counts.rejected + counts.refused + counts.exhausted === 0) continue;
    const gzip = await ports.receipts.getReceipts(receiptsKey);
    yield* failedAmong(gunzipSync(gzip).toString('utf8').split('\n'));
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
