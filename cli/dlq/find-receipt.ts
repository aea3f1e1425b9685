import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { createGunzip, gunzipSync } from 'node:zlib';
import { archiveKeysOf } from '../../lambdas/core/account/archive-keys.ts';
import type { BatchAccount, FileAccount } from '../../lambdas/core/account/file-account.ts';
import { isManifestOwed } from '../../lambdas/core/account/file-account.ts';
import type { Receipt } from '../../lambdas/core/account/receipt.ts';
import { receipt as receiptSchema } from '../../lambdas/core/account/receipt.ts';
import type { Archive, BatchLedger, ReceiptStore } from '../../lambdas/ports.ts';
import { placeInBatches } from '../live/place-in-batches.ts';

export interface FindReceiptPorts {
  ledger: Pick<BatchLedger, 'listBatches'>;
  archive: Pick<Archive, 'getStream'>;
  receipts: Pick<ReceiptStore, 'getReceipts'>;
}

/** A record's receipt: of its first failure, if it failed. Undefined while its batch is not settled, or if there is none. */
export async function findReceipt(
  file: FileAccount,
  record: number,
  ports: FindReceiptPorts,
): Promise<Receipt | undefined> {
  if (isManifestOwed(file)) return findIn(await workLines(file, record, ports), record);
  const keys = archiveKeysOf(file);
  // The failed ones have an object of their own, which is short; an older manifest may have none.
  for (const key of [keys.deadLetters, keys.receipts]) {
    const found = await findIn(await archivedLines(key, ports), record);
    if (found) return found;
  }
  return undefined;
}

async function findIn(lines: Readable | undefined, record: number): Promise<Receipt | undefined> {
  if (!lines) return undefined;
  try {
    for await (const line of createInterface({ input: lines, crlfDelay: Infinity })) {
      const number = Number(/^\{"record":(\d+)/.exec(line)?.[1]);
      if (number === record) return receiptSchema.parse(JSON.parse(line));
      // Receipts are in file order: the record's would have come before.
      if (number > record) return undefined;
    }
    return undefined;
  } finally {
    lines.destroy();
  }
}

async function archivedLines(key: string, { archive }: FindReceiptPorts): Promise<Readable | undefined> {
  const gzip = await archive.getStream(key);
  const gunzip = createGunzip();
  gzip?.on('error', (error) => gunzip.destroy(error));
  return gzip?.pipe(gunzip);
}

async function workLines(
  file: FileAccount,
  record: number,
  { ledger, receipts }: FindReceiptPorts,
): Promise<Readable | undefined> {
  const { fileId, totalBatches, checkpoint } = file;
  const isEarlier = (batch: BatchAccount): boolean => batch.firstRecord + batch.records <= record;
  const after = await placeInBatches(fileId, totalBatches ?? checkpoint?.batch ?? 0, isEarlier, ledger);
  for await (const batch of ledger.listBatches(fileId, after)) {
    if (isEarlier(batch)) continue;
    const { firstRecord, receiptsKey } = batch;
    if (record < firstRecord || receiptsKey === undefined) return undefined;
    return Readable.from([gunzipSync(await receipts.getReceipts(receiptsKey))]);
  }
  return undefined;
}
