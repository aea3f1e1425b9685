import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { ArchiveKeys } from '../core/account/archive-keys.ts';
import type { BatchAccount, FileAccount } from '../core/account/file-account.ts';
import type { HeldRange } from '../core/account/manifest.ts';
import { endsWithHeld, wasReplaced } from '../core/account/quarantine.ts';
import type { ReceiptsFacts } from '../core/account/receipts-facts.ts';
import { resumableHash } from '../runtime/resumable-hash.ts';
import type { Closing } from './closing.ts';
import type { ClosingState, UploadState } from './closing-state.ts';
import { DeadLetterMembers } from './dead-letter-members.ts';
import type { FinalizerPorts } from './finalizer-ports.ts';
import { ObjectInParts } from './object-in-parts.ts';
import { PartBuffer } from './part-buffer.ts';
import { ReceiptsTally } from './receipts-tally.ts';
import { mustHaveSha256 } from '../archived-sha256.ts';

const contentType = 'application/gzip';

type WriterPorts = Pick<FinalizerPorts, 'archive' | 'uploads' | 'partSizes'>;

/** Objects that a state refers to. */
interface SavedObjects {
  ids?: Buffer | undefined;
  rest?: Buffer | undefined;
}

/** A file's receipts and dead letters on their way into the archive: counted, and stored in one part or in many. */
export class ReceiptsWriter {
  readonly #file: FileAccount;
  readonly #keys: ArchiveKeys;
  readonly #closing: Closing;
  readonly #ports: WriterPorts;
  readonly #tally: ReceiptsTally;
  readonly #failed: DeadLetterMembers;
  readonly #receipts: ObjectInParts;
  readonly #deadLetters: ObjectInParts;
  #state: ClosingState;
  #savedIds: number;
  readonly #part = new PartBuffer();

  private constructor(
    file: FileAccount,
    keys: ArchiveKeys,
    closing: Closing,
    ports: WriterPorts,
    state: ClosingState,
    { ids, rest }: SavedObjects = {},
  ) {
    this.#file = file;
    this.#keys = keys;
    this.#closing = closing;
    this.#ports = ports;
    this.#state = state;
    const options = { allowGaps: wasReplaced(file), holdsGaps: endsWithHeld(file) };
    this.#tally = new ReceiptsTally(options, state.tally, ids);
    this.#savedIds = this.#tally.repeated.size;
    this.#failed = new DeadLetterMembers(rest);
    const inParts = (key: string, saved: UploadState | undefined) =>
      new ObjectInParts({ key, contentType }, closing, ports, saved);
    this.#receipts = inParts(keys.receipts, state.receipts);
    this.#deadLetters = inParts(keys.deadLetters, state.deadLetters);
  }

  /** Continues with what was saved. */
  static async open(
    file: FileAccount,
    keys: ArchiveKeys,
    closing: Closing,
    ports: WriterPorts,
  ): Promise<ReceiptsWriter> {
    const { state } = closing;
    if (state.tally) {
      const [ids, rest] = await Promise.all([getNamed(state.ids, closing), getNamed(state.rest, closing)]);
      if (ids !== 'lost' && rest !== 'lost') {
        return new ReceiptsWriter(file, keys, closing, ports, state, { ids, rest });
      }
      await closing.startAgain();
    }
    const { archive } = ports;
    // Stored by a finalizer that was killed afterwards: they are read nevertheless, and compared.
    const areThere = await archive.has(keys.receipts);
    const hasDeadLetters = await archive.has(keys.deadLetters);
    const begun = { ...closing.state, hasDeadLetters, ...(areThere ? { receipts: { parts: [] } } : {}) };
    return new ReceiptsWriter(file, keys, closing, ports, begun);
  }

  /** The last batch that was added. */
  get batch(): number {
    return this.#tally.batch;
  }

  get isCounted(): boolean {
    return this.#state.counted !== undefined;
  }

  /** A part is stored, and there is a state. */
  get isInParts(): boolean {
    return this.#receipts.next > 1;
  }

  get isPartFull(): boolean {
    return this.#part.length >= this.#ports.partSizes.receipts(this.#receipts.next);
  }

  /** @throws ContradictionError if they are not the receipts that were settled */
  add(batch: BatchAccount, gzip: Buffer): void {
    this.#tally.add(batch, gzip, (line) => {
      if (this.#state.hasDeadLetters !== true) this.#failed.add(line);
    });
    this.#part.add(gzip);
  }

  /** Stores the part, and saves the state. @throws LeaseLostError; UploadGoneError */
  async endPart(): Promise<void> {
    await this.#storePart();
    const failed = this.#failed.bytes();
    if (failed.length >= this.#ports.partSizes.least) {
      await this.#deadLetters.add(failed);
      this.#failed.clear();
    }
    const { rest: _before, ...state } = this.#state;
    const rest = this.#failed.bytes();
    await this.#save({ ...state, ...(rest.length > 0 ? { rest: await this.#closing.putObject(rest) } : {}) });
  }

  /** After the last batch. What fits in one part is stored at once; the rest is saved before its objects are completed. */
  async end(): Promise<void> {
    this.#tally.end(this.#file.totalRecords ?? 0);
    const facts = this.#tally.facts();
    const failed = this.#failed.bytes();
    const { isInParts } = this;
    if (this.#deadLetters.next > 1) {
      if (failed.length > 0) await this.#deadLetters.add(failed);
    } else if (failed.length > 0) {
      await this.#ports.archive.putStream(this.#keys.deadLetters, Readable.from([failed]), contentType);
    }
    const receiptsSha256 = isInParts ? await this.#endReceipts() : await this.#storeWhole();
    const counted = { facts, receiptsSha256: facts.records === 0 ? null : receiptsSha256 };
    if (isInParts) await this.#save({ ...this.#state, counted });
    else this.#state = { ...this.#state, counted };
  }

  /** @throws ContradictionError if there are other receipts; UploadGoneError if all must be counted again */
  async complete(): Promise<{ facts: ReceiptsFacts; receiptsSha256: string | null; held: HeldRange[] }> {
    const { counted } = this.#state;
    if (!counted) throw new Error('Not all receipts are counted.');
    if (this.isInParts) {
      // Only these bytes are possible: batches are pinned by their hashes, and the object is their concatenation.
      await this.#receipts.complete(() =>
        mustHaveSha256(this.#keys.receipts, counted.receiptsSha256 ?? '', this.#ports.archive),
      );
    }
    // Another finalizer may have compressed them to other bytes: their lines are compared when they are read.
    if (this.#deadLetters.next > 1) await this.#deadLetters.complete(async () => undefined);
    return { ...counted, held: this.#tally.held };
  }

  /** The last part. */
  async #endReceipts(): Promise<string> {
    if (this.#part.length > 0) await this.#storePart();
    return (await resumableHash(this.#state.hash)).digest();
  }

  async #storeWhole(): Promise<string> {
    const { archive } = this.#ports;
    const { bytes } = this.#part;
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    if (this.#state.receipts) await mustHaveSha256(this.#keys.receipts, sha256, archive);
    else if (bytes.length > 0) await archive.putStream(this.#keys.receipts, Readable.from([bytes]), contentType);
    return sha256;
  }

  async #storePart(): Promise<void> {
    const { bytes } = this.#part;
    const hash = await resumableHash(this.#state.hash);
    hash.update(bytes);
    await this.#receipts.add(bytes);
    this.#part.clear();
    this.#state = { ...this.#state, hash: hash.save() };
  }

  async #save(state: ClosingState): Promise<void> {
    const { repeated } = this.#tally;
    // They are all there after the first 100,000 records.
    const ids = repeated.size === this.#savedIds ? state.ids : await this.#closing.putObject(repeated.ids());
    this.#savedIds = repeated.size;
    this.#state = {
      ...state,
      receipts: this.#receipts.save(),
      ...(this.#deadLetters.next > 1 ? { deadLetters: this.#deadLetters.save() } : {}),
      tally: this.#tally.save(),
      ...(ids === undefined ? {} : { ids }),
    };
    await this.#closing.save(this.#state);
  }
}

/** `lost`: the work bucket does not have it any more. */
async function getNamed(name: string | undefined, closing: Closing): Promise<Buffer | 'lost' | undefined> {
  return name === undefined ? undefined : ((await closing.getObject(name)) ?? 'lost');
}
