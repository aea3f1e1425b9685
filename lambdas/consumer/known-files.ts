import type { MessageFile } from '../core/authenticity.ts';

/** More than a consumer has batches of at a time. */
const mostFiles = 100;

/**
 * What messages are checked against, of the files that this process has seen last. It never changes, and a file has
 * hundreds of batches: each would read the file once more.
 */
export class KnownFiles {
  readonly #files = new Map<string, MessageFile>();

  get(fileId: string): MessageFile | undefined {
    return this.#files.get(fileId);
  }

  add(fileId: string, { feed, messageKey }: MessageFile): void {
    this.#files.delete(fileId);
    this.#files.set(fileId, { feed, ...(messageKey === undefined ? {} : { messageKey }) });
    for (const oldest of this.#files.keys()) {
      if (this.#files.size <= mostFiles) break;
      this.#files.delete(oldest);
    }
  }
}
