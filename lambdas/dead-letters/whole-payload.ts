import type { FileAccount } from '../core/account/file-account.ts';
import type { Receipt } from '../core/account/receipt.ts';
import { isStoredApart, payloadKeyOf, wholePayloadOf } from '../core/dead-letters/letter-of.ts';
import { sha256Of } from '../core/records/identity.ts';
import type { PayloadStore } from '../ports.ts';

/**
 * A failed record's receipt with the whole record, if the receipt itself has only its head. Returned unchanged if the
 * stored record is gone or does not match the receipt's hash.
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

/**
 * Reads up to `count` payloads and then none, so that a list is written within its function's time, however many records
 * failed.
 */
export function atMost(count: number, payloads: Pick<PayloadStore, 'getPayload'>): Pick<PayloadStore, 'getPayload'> {
  let left = count;
  return { getPayload: async (key) => (left-- > 0 ? payloads.getPayload(key) : undefined) };
}
