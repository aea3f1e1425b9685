import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { UploadGoneError } from '../../lambdas/core/errors.ts';
import type { FinalizerPorts } from '../../lambdas/finalizer/finalizer-ports.ts';
import type { Archive, ArchiveUploads, PayloadStore, StoredPart } from '../../lambdas/ports.ts';

/**
 * An archive in a Map. Sources are not copied.
 * @param onPut runs before an object is stored; a test may throw there
 */
export function inMemoryArchive(archived: Map<string, Buffer>, onPut: () => void = () => undefined) {
  const put = async (key: string, body: Readable | string | Buffer) => {
    onPut();
    archived.set(key, body instanceof Readable ? Buffer.concat(await body.toArray()) : Buffer.from(body));
  };
  return {
    copySource: async (_, key) => ({ key }),
    has: async (key) => archived.has(key),
    putStream: async (key, body) => {
      if (!archived.has(key)) await put(key, body);
    },
    putOnce: async (key, body) => (archived.has(key) ? 'exists' : (await put(key, body), 'stored')),
    getText: async (key) => archived.get(key)?.toString(),
    getStream: async (key) => (archived.has(key) ? Readable.from([archived.get(key)]) : undefined),
  } satisfies Archive;
}

/** Multipart uploads into the same Map. As in S3, only the last part may be small, and parts may come again. */
export class InMemoryUploads implements ArchiveUploads {
  /** Those that are neither completed nor aborted. */
  readonly open = new Map<string, { key: string; parts: Map<number, Buffer> }>();
  /** Bytes of the sources that parts are copied from. */
  source = Buffer.alloc(0);
  readonly #archived: Map<string, Buffer>;
  readonly #least: number;
  /** Of the parts of each completed object. */
  readonly #made = new Map<string, string>();
  #ids = 0;

  constructor(archived: Map<string, Buffer>, least = 0) {
    this.#archived = archived;
    this.#least = least;
  }

  async begin(key: string): Promise<string> {
    const id = `upload-${++this.#ids}`;
    this.open.set(id, { key, parts: new Map() });
    return id;
  }

  async putPart({ id }: { id: string }, number: number, bytes: Buffer): Promise<StoredPart> {
    // A copy: the caller uses its memory again for the next part.
    this.#upload(id).parts.set(number, Buffer.from(bytes));
    return partOf(bytes);
  }

  async copyPart(
    { id }: { id: string },
    number: number,
    _: unknown,
    { from, last }: { from: number; last: number },
  ): Promise<StoredPart> {
    return this.putPart({ id }, number, this.source.subarray(from, last + 1));
  }

  async complete({ id }: { id: string }, wanted: readonly StoredPart[]): Promise<'stored' | 'exists'> {
    const { key, parts } = this.#upload(id);
    const bytes = wanted.map(({ etag }, nth) => {
      const part = parts.get(nth + 1);
      if (!part || partOf(part).etag !== etag) throw new UploadGoneError('InvalidPart');
      return part;
    });
    if (bytes.slice(0, -1).some(({ length }) => length < this.#least)) throw new Error('EntityTooSmall');
    if (this.#archived.has(key)) return 'exists';
    this.open.delete(id);
    this.#archived.set(key, Buffer.concat(bytes));
    this.#made.set(key, wanted.map(({ sha256 }) => sha256).join());
    return 'stored';
  }

  async abort({ id }: { id: string }): Promise<void> {
    this.open.delete(id);
  }

  async isMadeOf(key: string, parts: readonly Pick<StoredPart, 'sha256'>[]): Promise<boolean> {
    return this.#made.get(key) === parts.map(({ sha256 }) => sha256).join();
  }

  #upload(id: string) {
    const upload = this.open.get(id);
    if (!upload) throw new UploadGoneError('NoSuchUpload');
    return upload;
  }
}

function partOf(bytes: Buffer): StoredPart {
  const sha256 = createHash('sha256').update(bytes).digest('base64');
  return { etag: sha256.slice(0, 8), sha256 };
}

/** What a finalizer needs for files that fill several parts: with these sizes, none does. */
export function partsInMemory(archived = new Map<string, Buffer>()) {
  const objects = new Map<string, Buffer>();
  const states: PayloadStore = {
    putPayload: async (key, bytes) => void objects.set(key, bytes),
    getPayload: async (key) => objects.get(key),
  };
  let owners = 0;
  return {
    ...{ uploads: new InMemoryUploads(archived), states, newId: () => `finalizer-${++owners}` },
    partSizes: { receipts: () => Infinity, least: 0, wholeCopy: Infinity, copy: () => Infinity },
  } satisfies Partial<FinalizerPorts>;
}
