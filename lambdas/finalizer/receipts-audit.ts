import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { ContradictionError } from '../core/errors.ts';
import type { BatchAccount, DeadResolution } from '../core/account/file-account.ts';
import { sha256Of } from '../core/records/identity.ts';
import type { HeldRange, Manifest, ManifestError, ReasonCount } from '../core/account/manifest.ts';
import { maxErrors, maxRawCharacters, maxReasons } from '../core/account/manifest.ts';
import { MerkleRoot } from '../core/account/merkle.ts';
import { addCounts, isFailed, noCounts, outcomes } from '../core/account/outcome.ts';
import type { Receipt } from '../core/account/receipt.ts';
import { receipt as receiptSchema } from '../core/account/receipt.ts';
import { RepeatedRequestIds } from '../core/account/repeated-request-ids.ts';

export interface ReceiptsListener {
  /** Called with each failed record's line, as it is in the receipts. */
  onFailed?: (line: string) => void;
  /** Called with every receipt, and the resolution of its dead letter if there is one. */
  onReceipt?: (receipt: Receipt, resolution: DeadResolution['kind'] | undefined) => void;
}

/**
 * Reads the receipts of the settled batches in order, and checks them against the ledger: each object's hash, each batch's
 * counts, and every record of the file exactly once.
 */
export class ReceiptsAudit {
  counts = noCounts();
  records = 0;
  /** Records in the ranges that were never sent. */
  readonly heldUnsent: number;
  readonly errors: ManifestError[] = [];
  /** Dead letters whose record was delivered since. */
  resolved = 0;
  /** Dead letters that an operator has settled by hand. */
  handled = 0;
  /** Records that were accepted by the batches' consumers. */
  delivered = 0;
  firstUploadAt: number | undefined;
  lastUploadAt: number | undefined;
  readonly #reasons = new Map<string, ReasonCount>();
  readonly #requestIds = new RepeatedRequestIds();
  readonly #resolutions: ReadonlyMap<number, DeadResolution['kind']>;
  readonly #listener: ReceiptsListener;

  readonly #allowGaps: boolean;
  /** The ranges of records that no consumer got: the first record of each, and the last. */
  readonly #heldUntil: ReadonlyMap<number, number>;
  #last = 0;
  readonly #recordsRoot = new MerkleRoot();
  readonly #receiptsRoot = new MerkleRoot();
  readonly #objectHash = createHash('sha256');

  /**
   * @param resolutions of dead records, by record number
   * @param options `allowGaps`: the file was replaced before all of it was sent, so numbers may be missing; `held`: ranges
   * that were never sent
   * @param listener is called with what is read
   */
  constructor(
    resolutions: ReadonlyMap<number, DeadResolution['kind']>,
    { allowGaps, held }: { allowGaps: boolean; held: readonly HeldRange[] },
    listener: ReceiptsListener = {},
  ) {
    this.#resolutions = resolutions;
    this.#allowGaps = allowGaps;
    this.#heldUntil = new Map(held.map(({ first_record: first, last_record: last }) => [first, last]));
    this.heldUnsent = held.reduce((sum, { first_record: first, last_record: last }) => sum + last - first + 1, 0);
    this.counts.held = this.heldUnsent;
    this.#listener = listener;
  }

  /** @throws ContradictionError at the first difference */
  add(batch: BatchAccount, gzip: Buffer): void {
    if (sha256Of(gzip) !== batch.receiptsSha256) {
      throw new ContradictionError(`The receipts of batch ${batch.batch} differ from those that were settled.`);
    }
    this.#objectHash.update(gzip);
    const counts = noCounts();
    for (const line of gunzipSync(gzip).toString('utf8').split('\n')) {
      if (line === '') continue;
      const receipt = receiptSchema.parse(JSON.parse(line));
      this.records++;
      const next = (this.#heldUntil.get(this.#last + 1) ?? this.#last) + 1;
      const follows = this.#allowGaps ? receipt.record > this.#last : receipt.record === next;
      if (!follows) {
        throw new ContradictionError(`The receipts have record ${receipt.record} after ${this.#last}.`);
      }
      this.#last = receipt.record;
      this.#recordsRoot.add(Buffer.from(receipt.sha256, 'hex'));
      this.#receiptsRoot.add(Buffer.from(line));
      counts[receipt.outcome]++;
      this.#requestIds.add(receipt);
      this.#listener.onReceipt?.(receipt, this.#resolutions.get(receipt.record));
      if (isFailed(receipt.outcome)) this.#listener.onFailed?.(line);
      this.#note(receipt);
    }
    const differs = outcomes.find((outcome) => counts[outcome] !== (batch.counts?.[outcome] ?? 0));
    if (differs)
      throw new ContradictionError(`The receipts of batch ${batch.batch} differ from its count of '${differs}'.`);
    this.counts = addCounts(this.counts, counts);
  }

  /** The proof that binds every record and its receipt to the manifest. */
  get proof(): Manifest['proof'] {
    if (this.records === 0) return null;
    const [records, receipts] = [this.#recordsRoot.root(), this.#receiptsRoot.root()];
    return { leaves: this.records, records_root: records.toString('hex'), receipts_root: receipts.toString('hex') };
  }

  /** Open dead letters by outcome and reason, in order of first appearance. */
  get errorsByReason(): ReasonCount[] {
    return [...this.#reasons.values()];
  }

  /** What the receipts show in addition to the outcomes. */
  get warnings(): Manifest['warnings'] {
    return this.#requestIds.warnings();
  }

  /** The SHA-256 of everything added, concatenated: the archive's object. Called once, at the end. */
  takeObjectSha256(): string {
    return this.#objectHash.digest('hex');
  }

  #note(receipt: Receipt): void {
    if (receipt.outcome === 'uploaded') {
      this.delivered++;
      const at = Date.parse(receipt.at);
      this.firstUploadAt = Math.min(this.firstUploadAt ?? at, at);
      this.lastUploadAt = Math.max(this.lastUploadAt ?? at, at);
    }
    if (!isFailed(receipt.outcome)) return;
    const resolution = this.#resolutions.get(receipt.record);
    if (resolution === 'handled') {
      this.handled++;
      return;
    }
    if (resolution) {
      // A resolved dead letter counts under its resolution.
      this.counts[receipt.outcome]--;
      this.counts[resolution]++;
      this.resolved++;
      return;
    }
    if (this.errors.length < maxErrors) this.errors.push(errorOf(receipt, receipt.outcome));
    this.#countReason(receipt.outcome, receipt.reason ?? 'unknown');
  }

  #countReason(outcome: ReasonCount['outcome'], reason: string): void {
    const own = `${outcome} ${reason}`;
    const isOwn = this.#reasons.has(own) || this.#reasons.size < maxReasons;
    // A record's own reasons always have a space in their key.
    const key = isOwn ? own : outcome;
    const counted = this.#reasons.get(key);
    if (counted) counted.records++;
    else this.#reasons.set(key, { outcome, reason: isOwn ? reason : null, records: 1 });
  }
}

function errorOf(receipt: Receipt, outcome: ManifestError['outcome']): ManifestError {
  return {
    record: receipt.record,
    line: receipt.line,
    offset: receipt.offset,
    outcome,
    field: receipt.field ?? null,
    reason: receipt.reason ?? 'unknown',
    error: receipt.error ?? '',
    status: receipt.status,
    raw_value: firstCharacters(receipt.raw_payload ?? ''),
  };
}

/** Whole characters: cutting a surrogate pair would leave half a character. */
function firstCharacters(text: string): string {
  return Array.from(text.slice(0, 2 * maxRawCharacters))
    .slice(0, maxRawCharacters)
    .join('');
}
