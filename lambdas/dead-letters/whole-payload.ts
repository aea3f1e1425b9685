import type { FileAccount } from '../core/account/file-account.ts';
import type { Receipt } from '../core/account/receipt.ts';
import { isStoredApart, payloadKeyOf, wholePayloadOf } from '../core/dead-letters/letter-of.ts';
import { sha256Of } from '../core/records/identity.ts';
import type { PayloadStore } from '../ports.ts';

/**
 * A failed record's receipt with all of the record, where the receipt itself has only its head. As it was where the
 * stored record is gone, or is not what the receipt has the hash of.
 */
export async function withWholePayload(
  file: FileAccount,
  receipt: Receipt,
  payloads: Pick<PayloadStore, 'getPayload'>,
): Promise<Receipt> {
  if (receipt.raw_encoding !== 'head' || !isStoredApart(file, receipt)) return receipt;
  const bytes = await payloads.getPayload(payloadKeyOf(file.fileId, receipt.sha256));
  if (!bytes || sha256Of(bytes) !== receipt.sha256) return receipt;
  return { ...receipt, ...wholePayloadOf(bytes) };
}

/** Reads so many payloads and then none: a list is written within its function's time, however many records failed. */
export function atMost(count: number, payloads: Pick<PayloadStore, 'getPayload'>): Pick<PayloadStore, 'getPayload'> {
  let left = count;
  return { getPayload: async (key) => (left-- > 0 ? payloads.getPayload(key) : undefined) };
}
