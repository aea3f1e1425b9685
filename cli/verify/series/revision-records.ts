import * as z from 'zod';
import type { Manifest } from '../../../lambdas/core/account/manifest.ts';
import { KeyTable, keyBytes } from '../../../lambdas/core/key-table.ts';
import { sha256Of } from '../../../lambdas/core/records/identity.ts';
import { resolvedBySluice } from '../../../lambdas/core/series/superseded-letter.ts';
import { linesOf, readChunks, unpack } from '../evidence-lines.ts';
import { readReceipt } from '../read-receipt.ts';
import { parseStrictJson } from '../strict-json.ts';
import { mustHold } from '../verified.ts';

const resolutionLine = z.object({
  record: z.int().positive(),
  resolution: z.enum(['uploaded', 'duplicate', 'handled']),
  request_id: z.string().nullable(),
  by: z.string().optional(),
  correction: z.unknown().optional(),
});
type Resolution = z.infer<typeof resolutionLine>;

/** Of a key in a table: it is in use; the newer revision accounts for it. */
const isThere = 1;
const isCovered = 2;

/** A record's number, and flags. */
const valueBytes = 5;
const flagsAt = keyBytes + 4;

/**
 * It was not sent as a whole: the revision before it accounts for what it did not change. Not if a person let all of it be
 * sent as new.
 */
export const isStopped = ({ state, decisions = [] }: Manifest): boolean =>
  state !== 'completed' && !decisions.some(({ sends }) => sends === 'all');

/** What the evidence of a revision says about its records. 16 bytes of each hash are kept. */
export class RevisionRecords {
  readonly manifest: Manifest;
  /** By record: its request id, and its bytes. Zeros if it has none. */
  readonly #ids: Buffer;
  readonly #contents: Buffer;
  /** Request ids that the API has, and the bytes that it has under them. */
  readonly #delivered: KeyTable;
  readonly #deliveredContents: KeyTable;
  /** A bit for each record that a newer revision lists as removed. */
  readonly #removed: Uint8Array;
  readonly #corrected = new Set<number>();
  /** Request ids of corrected records, before they were corrected: the API may have these as well. */
  readonly #idsBefore = new Map<number, string>();

  constructor(manifest: Manifest) {
    const { total_records: records } = manifest;
    this.manifest = manifest;
    this.#ids = Buffer.alloc((records + 1) * keyBytes);
    this.#contents = Buffer.alloc((records + 1) * keyBytes);
    this.#delivered = new KeyTable(records, valueBytes);
    this.#deliveredContents = new KeyTable(records, valueBytes);
    this.#removed = new Uint8Array((records >> 3) + 1);
  }

  /** Notes that a newer revision lists the record as removed. False if it is no record of this one, or is noted already. */
  noteRemoved(record: number): boolean {
    if (record < 1 || record > this.manifest.total_records) return false;
    const [byte, bit] = [this.#removed[record >> 3] ?? 0, 1 << (record & 7)];
    this.#removed[record >> 3] = byte | bit;
    return (byte & bit) === 0;
  }

  /** A person has sent another row in its place, so what the API has of it has another identity or none that is in the file. */
  isCorrected(record: number): boolean {
    return this.#corrected.has(record);
  }

  /** @param idBefore the record's own request id */
  noteCorrected(record: number, idBefore: string | null): void {
    this.#corrected.add(record);
    if (idBefore !== null) this.#idsBefore.set(record, idBefore);
  }

  /** The id that a record with this identity has in the file. */
  requestIdOf(identity: readonly string[]): string {
    const { checksum, file_id: fileId, request_ids_have_file_id: hasFileId } = this.manifest;
    return sha256Of(JSON.stringify([...identity, checksum, ...(hasFileId ? [fileId] : [])]));
  }

  hasId(record: number, requestId: string): boolean {
    const at = record * keyBytes;
    if (this.#idsBefore.get(record) === requestId) return true;
    return (
      record <= this.manifest.total_records && this.#ids.compare(keyOf(requestId), 0, keyBytes, at, at + keyBytes) === 0
    );
  }

  hasContent(record: number, sha256: string): boolean {
    const at = record * keyBytes;
    return this.#contents.compare(keyOf(sha256), 0, keyBytes, at, at + keyBytes) === 0;
  }

  /** Its receipt has a request id. */
  isIdentified(record: number): boolean {
    return !isZero(this.#ids, record);
  }

  delivers(requestId: string): boolean {
    return this.#delivered.slots[this.#delivered.find(keyOf(requestId)) + flagsAt] !== 0;
  }

  /** The newer revision says what became of the record with this id. */
  cover(requestId: string): void {
    this.#cover(keyOf(requestId));
  }

  #cover(key: Buffer): void {
    const at = this.#delivered.find(key) + flagsAt;
    if (this.#delivered.slots[at] !== 0) this.#delivered.slots[at] = isThere | isCovered;
  }

  /** The same for the record with this number, whatever its id. */
  coverRecord(record: number): void {
    this.#cover(this.#ids.subarray(record * keyBytes, (record + 1) * keyBytes));
  }

  /** The record with the bytes of this one; undefined if the API has none with these bytes from this file. */
  contentOf(newer: RevisionRecords, record: number): number | undefined {
    const { slots } = this.#deliveredContents;
    const at = this.#deliveredContents.find(newer.#contents.subarray(record * keyBytes, (record + 1) * keyBytes));
    return slots[at + flagsAt] === 0 ? undefined : slots.readUInt32LE(at + keyBytes);
  }

  /** The same, for which the newer revision accounts. */
  coverContent(newer: RevisionRecords, record: number): number | undefined {
    const own = this.contentOf(newer, record);
    if (own !== undefined) this.coverRecord(own);
    return own;
  }

  /** A record that the API has, and of which the newer revision says nothing. */
  firstUncovered(): number | undefined {
    for (let record = 1; record <= this.manifest.total_records; record++) {
      if (isZero(this.#ids, record)) continue;
      const key = this.#ids.subarray(record * keyBytes, (record + 1) * keyBytes);
      if (this.#delivered.slots[this.#delivered.find(key) + flagsAt] === isThere) return record;
    }
    return undefined;
  }

  /** @param how what is known of it: `hasContent` only if the API has these bytes */
  add(
    record: number,
    requestId: string | null,
    sha256: string,
    how: { isDelivered: boolean; hasContent: boolean; isUnchanged?: boolean },
  ): void {
    keyOf(sha256).copy(this.#contents, record * keyBytes);
    if (requestId === null) return;
    mustHold(/^[0-9a-f]{64}$/.test(requestId), `the request id of record ${record} is not a SHA-256`);
    const key = keyOf(requestId);
    key.copy(this.#ids, record * keyBytes);
    if (how.hasContent) put(this.#deliveredContents, keyOf(sha256), record);
    if (how.isDelivered) put(this.#delivered, key, record);
    if (how.isUnchanged && isStopped(this.manifest)) this.#cover(key);
  }
}

const keyOf = (hash: string): Buffer => Buffer.from(hash.slice(0, 2 * keyBytes), 'hex');

const isZero = (keys: Buffer, record: number): boolean =>
  keys.readBigUInt64LE(record * keyBytes) === 0n && keys.readBigUInt64LE(record * keyBytes + 8) === 0n;

function put(table: KeyTable, key: Buffer, record: number): void {
  const at = table.find(key);
  if (table.slots[at + flagsAt] !== 0) return;
  table.take(at, key);
  table.slots.writeUInt32LE(record, at + keyBytes);
  table.slots[at + flagsAt] = isThere;
}

/**
 * Reads a revision's receipts and resolutions, whose hashes were checked before.
 * @throws DoesNotHoldError
 */
export async function readRevision(
  manifest: Manifest,
  { receipts, resolutions }: { receipts: string | undefined; resolutions: string | undefined },
): Promise<RevisionRecords> {
  const found = new RevisionRecords(manifest);
  if (receipts === undefined) return found;
  const resolved = new Map<number, Resolution>();
  if (resolutions !== undefined) {
    for await (const line of linesOf(readChunks(resolutions), 'the resolutions')) {
      const read = resolutionLine.safeParse(parseStrictJson(line, 'a line of the resolutions'));
      mustHold(read.success, "a line of the resolutions can't be read as one");
      resolved.set(read.data.record, read.data);
    }
  }
  for await (const line of linesOf(unpack(receipts, 'the receipts'), 'the receipts')) {
    const { record, request_id: id, sha256, outcome } = readReceipt(line, 'a receipt');
    const end = resolved.get(record);
    const isSettled = end !== undefined && !(end.resolution === 'handled' && end.by === resolvedBySluice);
    if (isSettled) {
      const how = { isDelivered: end.resolution !== 'handled', hasContent: end.correction === undefined };
      found.add(record, end.request_id ?? id, sha256, how);
      if (end.correction !== undefined) found.noteCorrected(record, id);
    } else {
      const isDelivered = outcome === 'uploaded' || outcome === 'unchanged' || outcome === 'duplicate';
      // The API has the record that came first with a repeated id.
      const isRepeated = outcome === 'duplicate' && id !== null && found.delivers(id);
      const isUnchanged = outcome === 'unchanged';
      found.add(record, id, sha256, { isDelivered, hasContent: isDelivered && !isRepeated, isUnchanged });
    }
  }
  return found;
}
