import { closingStateKey } from '../core/account/archive-keys.ts';
import type { ArchiveKeys } from '../core/account/archive-keys.ts';
import type { ClosingProgress, FileAccount } from '../core/account/file-account.ts';
import { wasReplaced } from '../core/account/quarantine.ts';
import { stopsOf } from '../core/account/stops.ts';
import { LeaseLostError } from '../core/errors.ts';
import { sha256Of } from '../core/records/identity.ts';
import type { ClosingState } from './closing-state.ts';
import { closingState, newState } from './closing-state.ts';
import type { FinalizerPorts } from './finalizer-ports.ts';

/** Shorter than a killed function's message takes to come back (runtime/partial-batch.ts). Milliseconds. */
const leaseMs = 60_000;

type ClosingPorts = Pick<FinalizerPorts, 'ledger' | 'states' | 'uploads' | 'clock' | 'newId'>;

/**
 * The work on a file whose account takes longer than one invocation: who does it (the lease), and how far it has got (the
 * state). Most files need neither: it begins when their first part is full.
 *
 * A state is stored before the ledger names it, and the ledger names an upload before anything is uploaded. So a killed
 * finalizer leaves either the state before or the one after, and every upload that has parts is known.
 */
export class Closing {
  readonly #file: FileAccount;
  readonly #of: string;
  readonly #ports: ClosingPorts;
  readonly #owner: string;
  #state = newState();
  #isOwned = false;
  #renewAt = 0;
  #progress: ClosingProgress;

  constructor(file: FileAccount, keys: ArchiveKeys, ports: ClosingPorts) {
    const { stop, released } = stopsOf(file);
    this.#file = file;
    // What a state is about: another stop, a release or another end make another account.
    this.#of = `${keys.receipts} ${wasReplaced(file) ? 'replaced' : 'sent'} ${stop}/${released}`;
    this.#ports = ports;
    this.#owner = ports.newId();
    this.#progress = { of: this.#of, uploads: [] };
  }

  /** As it was saved last; a new one if nothing was, or if what was saved is of another account or version. */
  get state(): ClosingState {
    return this.#state;
  }

  /** Whether this invocation has the lease. */
  get isOwned(): boolean {
    return this.#isOwned;
  }

  /** Continues what an earlier invocation has left. False if another finalizer has the file. */
  async resume(): Promise<boolean> {
    return this.#file.progressOfClosing === undefined || this.take();
  }

  /** Takes the lease, and what was saved. False if another finalizer has it. */
  async take(): Promise<boolean> {
    if (this.#isOwned) return true;
    const { ledger } = this.#ports;
    // Before the answer: if it is lost, the lease must be released nevertheless.
    this.#isOwned = true;
    const file = await ledger.takeClosing(this.#file.fileId, this.#owner, leaseMs);
    this.#isOwned = file !== undefined;
    if (!file) return false;
    this.#noteRenewal();
    const saved = file.progressOfClosing;
    if (!saved) return true;
    const state = saved.of === this.#of ? await this.#load(saved.state) : undefined;
    if (state) {
      this.#state = state;
      this.#progress = saved;
    } else {
      await this.#discard(saved);
    }
    return true;
  }

  /** Renews the lease when it is time to. @throws LeaseLostError */
  async keep(): Promise<void> {
    if (this.#isOwned && this.#ports.clock.now() >= this.#renewAt) await this.#write(undefined);
  }

  /** Begins an upload, known to the ledger before it has a part. @throws LeaseLostError */
  async beginUpload(key: string, contentType: string): Promise<string> {
    // Begun by an invocation that was killed before it saved a state.
    const known = this.#progress.uploads.find((upload) => upload.key === key);
    if (known) return known.id;
    const id = await this.#ports.uploads.begin(key, contentType);
    const uploads = [...this.#progress.uploads, { key, id }];
    await this.#write({ ...this.#progress, uploads });
    return id;
  }

  /** @throws LeaseLostError if another finalizer has taken over: what it has saved stays */
  async save(state: ClosingState): Promise<void> {
    const sha256 = await this.putObject(Buffer.from(JSON.stringify(state)));
    await this.#write({ ...this.#progress, state: sha256 });
    this.#state = state;
  }

  /** Stores bytes that a state refers to by this name: their SHA-256. */
  async putObject(bytes: Buffer): Promise<string> {
    const sha256 = sha256Of(bytes);
    await this.#ports.states.putPayload(closingStateKey(this.#file.fileId, sha256), bytes);
    return sha256;
  }

  /** Undefined if they are gone, or are other bytes. */
  async getObject(sha256: string): Promise<Buffer | undefined> {
    const bytes = await this.#ports.states.getPayload(closingStateKey(this.#file.fileId, sha256));
    return bytes && sha256Of(bytes) === sha256 ? bytes : undefined;
  }

  /** Lets the next invocation continue at once. */
  async release(): Promise<void> {
    const { ledger } = this.#ports;
    if (this.#isOwned) await ledger.saveClosing(this.#file.fileId, this.#owner, undefined, 0);
    this.#isOwned = false;
  }

  /** What was saved can't be continued: the next invocation begins again. @throws LeaseLostError */
  async startAgain(): Promise<void> {
    await this.#discard(this.#progress);
    this.#state = newState();
  }

  async #load(sha256: string | undefined): Promise<ClosingState | undefined> {
    const bytes = sha256 === undefined ? undefined : await this.getObject(sha256);
    const parsed = bytes && closingState.safeParse(JSON.parse(bytes.toString()));
    return parsed?.data;
  }

  /**
   * The ledger forgets the state first: no other finalizer may rely on an upload that is being aborted. It forgets the
   * uploads last: a finalizer that is killed meanwhile leaves them to the next one.
   */
  async #discard({ uploads }: ClosingProgress): Promise<void> {
    await this.#write({ of: this.#of, uploads });
    for (const upload of uploads) await this.#ports.uploads.abort(upload);
    if (uploads.length > 0) await this.#write({ of: this.#of, uploads: [] });
  }

  async #write(progress: ClosingProgress | undefined): Promise<void> {
    const { ledger } = this.#ports;
    if (!(await ledger.saveClosing(this.#file.fileId, this.#owner, progress, leaseMs))) {
      this.#isOwned = false;
      throw new LeaseLostError(`The file ${this.#file.fileId} was taken by another finalizer.`);
    }
    if (progress) this.#progress = progress;
    this.#noteRenewal();
  }

  #noteRenewal(): void {
    this.#renewAt = this.#ports.clock.now() + leaseMs / 3;
  }
}
