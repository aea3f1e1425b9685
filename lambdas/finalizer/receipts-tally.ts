import { gunzipSync } from 'node:zlib';
import type { BatchAccount } from '../core/account/file-account.ts';
import type { HeldRange } from '../core/account/manifest.ts';
import { MerkleRoot } from '../core/account/merkle.ts';
import { addCounts, isFailed, noCounts, outcomes } from '../core/account/outcome.ts';
import type { Receipt } from '../core/account/receipt.ts';
import { receipt as receiptSchema } from '../core/account/receipt.ts';
import type { ReceiptsFacts, ReceiptsProgress } from '../core/account/receipts-facts.ts';
import { RepeatedRequestIds } from '../core/account/repeated-request-ids.ts';
import { ContradictionError } from '../core/errors.ts';
import { sha256Of } from '../core/records/identity.ts';
import { Timeline } from '../core/report/timeline.ts';

export interface TallyOptions {
  /** The file was replaced before all of it was sent, so numbers may be missing. */
  allowGaps: boolean;
  /** Records without a batch were never sent: they are held. */
  holdsGaps: boolean;
}

/**
 * Reads the receipts of the settled batches in order, and checks them against the ledger: each object's hash, each batch's
 * counts, and every record of the file exactly once. Its memory does not grow with their number, and it can be continued.
 */
export class ReceiptsTally {
  /** The last batch that is counted. */
  batch = 0;
  readonly held: HeldRange[] = [];
  readonly repeated: RepeatedRequestIds;
  readonly #options: TallyOptions;
  #counts = noCounts();
  #records = 0;
  #delivered = 0;
  #firstUploadAt: number | undefined;
  #lastUploadAt: number | undefined;
  #last = 0;
  readonly #timeline: Timeline;
  readonly #recordsRoot: MerkleRoot;
  readonly #receiptsRoot: MerkleRoot;
  readonly #failedRoot: MerkleRoot;

  /**
   * @param from progress to continue with, by default none
   * @param ids the request ids that were saved with it
   */
  constructor(options: TallyOptions, from?: ReceiptsProgress, ids?: Uint8Array) {
    this.#options = options;
    this.repeated = new RepeatedRequestIds(from?.repeated, ids);
    this.#timeline = new Timeline(undefined, from?.timeline);
    this.#recordsRoot = new MerkleRoot(from?.recordsRoot);
    this.#receiptsRoot = new MerkleRoot(from?.receiptsRoot);
    this.#failedRoot = new MerkleRoot(from?.failedRoot);
    if (!from) return;
    this.batch = from.batch;
    this.held.push(...from.held);
    this.#counts = from.counts;
    this.#records = from.records;
    this.#delivered = from.delivered;
    this.#firstUploadAt = from.firstUploadAt;
    this.#lastUploadAt = from.lastUploadAt;
    this.#last = from.last;
  }

  /**
   * @param onFailed is called with each failed record's line
   * @throws ContradictionError at the first difference
   */
  add(batch: BatchAccount, gzip: Buffer, onFailed: (line: string) => void): void {
    if (sha256Of(gzip) !== batch.receiptsSha256) {
      throw new ContradictionError(`The receipts of batch ${batch.batch} differ from those that were settled.`);
    }
    this.#holdUpTo(batch.firstRecord);
    const counts = noCounts();
    for (const bytes of linesIn(gunzipSync(gzip))) {
      const line = bytes.toString('utf8');
      const receipt = receiptSchema.parse(JSON.parse(line));
      this.#follow(receipt.record);
      counts[receipt.outcome]++;
      this.#recordsRoot.add(Buffer.from(receipt.sha256, 'hex'));
      this.#receiptsRoot.add(bytes);
      this.repeated.add(receipt);
      if (receipt.outcome === 'uploaded') this.#noteUpload(receipt);
      if (!isFailed(receipt.outcome)) continue;
      this.#failedRoot.add(bytes);
      onFailed(line);
    }
    const differs = outcomes.find((outcome) => counts[outcome] !== (batch.counts?.[outcome] ?? 0));
    if (differs)
      throw new ContradictionError(`The receipts of batch ${batch.batch} differ from its count of '${differs}'.`);
    this.#counts = addCounts(this.#counts, counts);
    this.batch = batch.batch;
  }

  /** After the last batch. @param totalRecords of the file */
  end(totalRecords: number): void {
    this.#holdUpTo(totalRecords + 1);
  }

  save(): ReceiptsProgress {
    return {
      ...{ ...this.#counted(), batch: this.batch, last: this.#last, held: this.held },
      recordsRoot: this.#recordsRoot.save(),
      receiptsRoot: this.#receiptsRoot.save(),
      failedRoot: this.#failedRoot.save(),
      repeated: this.repeated.save(),
    };
  }

  /** What the receipts say, when all of them are counted. */
  facts(): ReceiptsFacts {
    const [records, receipts] = [this.#recordsRoot.root(), this.#receiptsRoot.root()];
    const proof = {
      leaves: this.#records,
      records_root: records.toString('hex'),
      receipts_root: receipts.toString('hex'),
    };
    return {
      ...this.#counted(),
      proof: this.#records === 0 ? null : proof,
      warnings: this.repeated.warnings(),
      failed: { lines: this.#failedRoot.leaves, root: this.#failedRoot.root().toString('hex') },
    };
  }

  #counted() {
    const [firstUploadAt, lastUploadAt] = [this.#firstUploadAt, this.#lastUploadAt];
    return {
      ...{ counts: this.#counts, records: this.#records, delivered: this.#delivered },
      ...(firstUploadAt === undefined ? {} : { firstUploadAt }),
      ...(lastUploadAt === undefined ? {} : { lastUploadAt }),
      timeline: this.#timeline.save(),
    };
  }

  /** The records before a batch that belong to none. */
  #holdUpTo(firstRecord: number): void {
    if (!this.#options.holdsGaps || firstRecord <= this.#last + 1) return;
    this.held.push({ first_record: this.#last + 1, last_record: firstRecord - 1 });
    this.#last = firstRecord - 1;
  }

  #follow(record: number): void {
    const follows = this.#options.allowGaps ? record > this.#last : record === this.#last + 1;
    if (!follows) throw new ContradictionError(`The receipts have record ${record} after ${this.#last}.`);
    this.#last = record;
    this.#records++;
  }

  #noteUpload({ at: time, attempts }: Receipt): void {
    const at = Date.parse(time);
    this.#delivered++;
    this.#firstUploadAt = Math.min(this.#firstUploadAt ?? at, at);
    this.#lastUploadAt = Math.max(this.#lastUploadAt ?? at, at);
    this.#timeline.add(at, attempts > 1);
  }
}

/** One after the other: as one text, all lines of a batch would be a large object, which only a full collection frees. */
function* linesIn(text: Buffer): Generator<Buffer> {
  for (let from = 0; from < text.length;) {
    const lineFeed = text.indexOf(0x0a, from);
    const end = lineFeed < 0 ? text.length : lineFeed;
    if (end > from) yield text.subarray(from, end);
    from = end + 1;
  }
}
