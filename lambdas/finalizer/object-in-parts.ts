import { createHash } from 'node:crypto';
import { UploadGoneError } from '../core/errors.ts';
import type { SourceObject } from '../core/account/file-account.ts';
import type { StoredPart } from '../ports.ts';
import type { Closing } from './closing.ts';
import type { UploadState } from './closing-state.ts';
import type { FinalizerPorts } from './finalizer-ports.ts';

type PartPorts = Pick<FinalizerPorts, 'archive' | 'uploads'>;

/** An object of the archive that is stored in parts, over several invocations. */
export class ObjectInParts {
  readonly #key: string;
  readonly #contentType: string;
  readonly #closing: Closing;
  readonly #ports: PartPorts;
  readonly #isThere: boolean;
  #id: string | undefined;
  readonly #parts: StoredPart[];

  /** @param saved what is stored already; without an upload's id, the object was there before and is only compared */
  constructor(
    { key, contentType }: { key: string; contentType: string },
    closing: Closing,
    ports: PartPorts,
    saved?: UploadState,
  ) {
    this.#key = key;
    this.#contentType = contentType;
    this.#closing = closing;
    this.#ports = ports;
    this.#isThere = saved !== undefined && saved.id === undefined;
    this.#id = saved?.id;
    this.#parts = [...(saved?.parts ?? [])];
  }

  /** The next part's number. */
  get next(): number {
    return this.#parts.length + 1;
  }

  save(): UploadState {
    return { ...(this.#id === undefined ? {} : { id: this.#id }), parts: [...this.#parts] };
  }

  /** @throws UploadGoneError if the parts before are lost; LeaseLostError */
  async add(bytes: Buffer): Promise<void> {
    if (this.#isThere) {
      const sha256 = createHash('sha256').update(bytes).digest('base64');
      this.#parts.push({ etag: '', sha256 });
      return;
    }
    this.#parts.push(await this.#ports.uploads.putPart(await this.#begun(), this.next, bytes));
  }

  /**
   * Several parts at once. False if the source has changed or is gone.
   * @throws UploadGoneError if the parts before are lost; LeaseLostError
   */
  async copy(source: SourceObject, ranges: readonly { from: number; last: number }[]): Promise<boolean> {
    const upload = await this.#begun();
    const { next } = this;
    const { uploads } = this.#ports;
    const parts = await Promise.all(ranges.map((range, nth) => uploads.copyPart(upload, next + nth, source, range)));
    for (const part of parts) if (part) this.#parts.push(part);
    return parts.every((part) => part !== undefined);
  }

  /**
   * Makes the object of its parts. @param compare is called if there is one already that may be different
   * @throws UploadGoneError if the parts are lost
   */
  async complete(compare: () => Promise<void>): Promise<void> {
    const { archive, uploads } = this.#ports;
    if (this.#id !== undefined) {
      const upload = { key: this.#key, id: this.#id };
      try {
        if ((await uploads.complete(upload, this.#parts)) === 'stored') return;
        await uploads.abort(upload);
      } catch (error) {
        // Completed by an invocation that was killed afterwards, or by another finalizer: then the object is there.
        if (!(error instanceof UploadGoneError) || !(await archive.has(this.#key))) throw error;
      }
    }
    if (!(await uploads.isMadeOf(this.#key, this.#parts))) await compare();
  }

  async abort(): Promise<void> {
    if (this.#id !== undefined) await this.#ports.uploads.abort({ key: this.#key, id: this.#id });
  }

  async #begun(): Promise<{ key: string; id: string }> {
    this.#id ??= await this.#closing.beginUpload(this.#key, this.#contentType);
    return { key: this.#key, id: this.#id };
  }
}
