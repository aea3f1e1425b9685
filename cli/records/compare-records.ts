import { sha256Of } from '../../lambdas/core/records/identity.ts';
import type { Receipt } from '../../lambdas/core/account/receipt.ts';

/** A record as the record ledger holds it (lambdas/adapters/ledger-sink.ts), with the names of all its attributes. */
export interface StoredRecord {
  recordKey: string;
  record: number;
  /** SHA-256 of the record's bytes. */
  sha256: string;
  requestId: string;
  payload: string;
  payloadSha256: string;
  attributes: readonly string[];
}

/** How a dead letter was resolved: a line of the archive's resolutions. */
export interface ResolvedRecord {
  record: number;
  resolution: string;
  request_id: string | null;
  /** A corrected row was sent: its bytes differ from the file's. */
  correction?: unknown;
}

export interface Comparison {
  /** Records that must be in the record ledger, by their receipts or the resolutions of their dead letters. */
  expected: number;
  /** Those of them that are there as the receipts say. */
  agreed: number;
  faults: number;
  /** The first faults, a sentence each. */
  examples: string[];
}

const maxExamples = 20;

/** The attributes of a record's item; an item with others (a TTL, for example) has been changed. */
const knownAttributes = new Set([
  ...['recordKey', 'feed', 'payload', 'payloadSha256', 'sha256', 'requestId', 'fileId', 'fileSha256'],
  ...['sourceBucket', 'sourceKey', 'sourceVersionId', 'record', 'offset', 'storedAt'],
]);

/**
 * Compares a file's items in the record ledger with the file's receipts: each accepted record is there once, as its receipt
 * says, and no other item names the file. IAM can't enforce that an item is written once and never changed; this detects a
 * change.
 * @param stored the items that name the file
 */
export async function compareRecords(
  receipts: AsyncIterable<Receipt>,
  resolutions: ReadonlyMap<number, ResolvedRecord>,
  stored: readonly StoredRecord[],
): Promise<Comparison> {
  const comparison: Comparison = { expected: 0, agreed: 0, faults: 0, examples: [] };
  const report = (sentence: string): void => {
    comparison.faults++;
    if (comparison.examples.length < maxExamples) comparison.examples.push(sentence);
  };
  const left = new Map<number, StoredRecord>();
  for (const item of stored) {
    const other = left.get(item.record);
    if (other) report(`record ${item.record}: the ledger has it twice, as ${other.recordKey} and ${item.recordKey}`);
    else left.set(item.record, item);
  }
  for await (const receipt of receipts) {
    const wanted = wantedOf(receipt, resolutions.get(receipt.record));
    if (!wanted) continue;
    comparison.expected++;
    const item = left.get(receipt.record);
    left.delete(receipt.record);
    const found = item ? differencesOf(item, wanted) : ['it is not in the ledger'];
    if (found.length === 0) comparison.agreed++;
    else report(`record ${receipt.record}: ${found.join('; ')}`);
  }
  for (const { record, recordKey } of left.values()) {
    report(`record ${record}: the ledger has it as ${recordKey}, and no receipt says that it was accepted`);
  }
  return comparison;
}

interface WantedRecord {
  /** Undefined for a corrected row. */
  sha256: string | undefined;
  requestId: string | null;
}

function wantedOf(receipt: Receipt, resolved: ResolvedRecord | undefined): WantedRecord | undefined {
  if (receipt.outcome === 'uploaded') return { sha256: receipt.sha256, requestId: receipt.request_id };
  if (resolved?.resolution !== 'uploaded') return undefined;
  return { sha256: resolved.correction ? undefined : receipt.sha256, requestId: resolved.request_id };
}

function differencesOf(item: StoredRecord, { sha256, requestId }: WantedRecord): string[] {
  const surplus = item.attributes.filter((name) => !knownAttributes.has(name));
  return [
    ...(sha256 !== undefined && item.sha256 !== sha256 ? [`the ledger has SHA-256 ${item.sha256}, not ${sha256}`] : []),
    ...(item.requestId !== requestId ? [`the ledger has the request id ${item.requestId}, not ${requestId}`] : []),
    ...(sha256Of(item.payload) !== item.payloadSha256 ? ['its payload does not match its own SHA-256'] : []),
    ...(surplus.length > 0 ? [`its item has ${surplus.join(', ')}, which Sluice never writes`] : []),
  ];
}
