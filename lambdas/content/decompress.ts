import { Buffer } from 'node:buffer';
import type { Transform } from 'node:stream';
import { Readable, pipeline } from 'node:stream';
import { createGunzip, createInflateRaw, createZstdDecompress } from 'node:zlib';
import { CompressedContentError } from '../core/errors.ts';
import type { Compression, StoredContent } from '../core/account/file-account.ts';

/** The most bytes of content yielded at once: a bomb's next gigabyte waits until these are consumed. */
const chunkBytes = 512 * 1024;

export const compressionNames: Record<Compression, string> = {
  gzip: 'gzip',
  zip: 'ZIP archive',
  zstd: 'Zstandard file',
};

/** How a file is compressed, by its first four bytes. The content of a ZIP archive is not known yet. */
export function compressionOf(head: Buffer): Compression | undefined {
  // The third byte is the method: only 8 (deflate) is defined (RFC 1952, 2.3.1).
  if (head[0] === 0x1f && head[1] === 0x8b && head[2] === 8) return 'gzip';
  const magic = head.subarray(0, 4).toString('latin1');
  // The second is an archive without members.
  if (magic === 'PK\x03\x04' || magic === 'PK\x05\x06') return 'zip';
  return isZstdFrame(head) ? 'zstd' : undefined;
}

/** The magic number of a frame or a skippable frame (RFC 8878, 3.1). */
function isZstdFrame(head: Buffer): boolean {
  if (head.length < 4) return false;
  const magic = head.readUInt32LE(0);
  return magic === 0xfd2fb528 || (magic & 0xfffffff0) >>> 0 === 0x184d2a50;
}

type Chunks = AsyncIterable<Buffer> | Iterable<Buffer>;

/** Gets the number of compressed bytes used: fewer than there are if something follows. */
type OnEnd = (compressedBytes: number) => void;

/**
 * Decompresses bytes. Holds a chunk or two at a time, whatever the ratio.
 *
 * @param compressed for a ZIP archive, only its member's bytes
 * @throws CompressedContentError (`…_truncated`, `…_corrupt`), and what reading `compressed` throws
 */
export async function* decompress(
  compressed: Chunks,
  { compression, member }: Pick<StoredContent, 'member'> & { compression: Compression },
  onEnd: OnEnd = () => undefined,
): AsyncGenerator<Buffer> {
  try {
    if (compression === 'zstd') yield* unpackZstd(compressed, onEnd);
    else if (member?.method === 'stored') yield* compressed;
    else yield* unpackDeflate(compressed, compression === 'gzip' ? createGunzip : createInflateRaw, onEnd);
  } catch (error) {
    throw explainFault(error, compression);
  }
}

async function* unpackDeflate(
  compressed: Chunks,
  create: (options: { chunkSize: number }) => Transform & { bytesWritten: number },
  onEnd: OnEnd,
): AsyncGenerator<Buffer> {
  const source = Readable.from(compressed, { objectMode: true, highWaterMark: 1 });
  const decoder = create({ chunkSize: chunkBytes });
  // An error of either destroys both, and is thrown by the loop below.
  pipeline(source, decoder, () => undefined);
  try {
    for await (const chunk of decoder) yield chunk as Buffer;
    onEnd(decoder.bytesWritten);
  } finally {
    decoder.destroy();
    source.destroy();
  }
}

/** Decompresses frame by frame: Node's decoder stops after the first, and `zstd` and `pzstd` write several. */
async function* unpackZstd(compressed: Chunks, onEnd: OnEnd): AsyncGenerator<Buffer> {
  const chunks = new PushbackChunks(compressed);
  let usedBytes = 0;
  try {
    while (isZstdFrame(await chunks.peek(4))) {
      const decoder = createZstdDecompress({ chunkSize: chunkBytes });
      const frame = chunks.take(() => decoder.bytesWritten);
      const source = Readable.from(frame.chunks, { objectMode: true, highWaterMark: 1 });
      pipeline(source, decoder, () => undefined);
      try {
        for await (const chunk of decoder) yield chunk as Buffer;
      } finally {
        decoder.destroy();
        source.destroy();
      }
      usedBytes += decoder.bytesWritten;
      await frame.putBack();
    }
  } finally {
    await chunks.close();
  }
  onEnd(usedBytes);
}

/** Chunks for one consumer after the other: what a consumer did not use goes to the next. */
class PushbackChunks {
  readonly #source: AsyncIterator<Buffer, undefined> | Iterator<Buffer, undefined>;
  #ready: Buffer[] = [];

  constructor(source: Chunks) {
    this.#source = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  }

  /** The next bytes, without taking them: fewer only at the end. */
  async peek(bytes: number): Promise<Buffer> {
    let head: Buffer = Buffer.concat(this.#ready);
    while (head.length < bytes) {
      const next = await this.#nextOfSource();
      if (!next) break;
      head = Buffer.concat([head, next]);
    }
    this.#ready = head.length === 0 ? [] : [head];
    return head;
  }

  /**
   * The following chunks, for one consumer.
   * @param usedBytes how much it has used so far
   */
  take(usedBytes: () => number): { chunks: AsyncIterable<Buffer>; putBack: () => Promise<void> } {
    const given: Buffer[] = [];
    /** Bytes before the first of them. */
    let before = 0;
    let pending: Promise<Buffer | undefined> = Promise.resolve(undefined);
    const giveNext = async (): Promise<Buffer | undefined> => {
      for (let first = given[0]; first && before + first.length <= usedBytes(); first = given[0]) {
        before += first.length;
        given.shift();
      }
      const next = this.#ready.shift() ?? (await this.#nextOfSource());
      if (next) given.push(next);
      return next;
    };
    return {
      chunks: {
        [Symbol.asyncIterator]: () => ({
          next: async () => {
            pending = giveNext();
            const value = await pending;
            return value === undefined ? { done: true, value } : { done: false, value };
          },
        }),
      },
      putBack: async () => {
        // The consumer may have requested a chunk that it never used.
        await pending;
        this.#ready.unshift(Buffer.concat(given).subarray(usedBytes() - before));
      },
    };
  }

  async close(): Promise<void> {
    await this.#source.return?.();
  }

  async #nextOfSource(): Promise<Buffer | undefined> {
    const next = await this.#source.next();
    return next.done === true ? undefined : next.value;
  }
}

/** Translates zlib's errors into words. Other errors are returned as they are. */
function explainFault(error: unknown, compression: Compression): unknown {
  const { code = '', message } = error as { code?: string; message: string };
  const name = compressionNames[compression];
  // The bytes of a ZIP archive's member are complete, or opening it would have failed.
  if (code === 'Z_BUF_ERROR' && compression !== 'zip') {
    const sentence = `The ${name} is incomplete: the file was not exported or copied completely.`;
    return new CompressedContentError(`${compression}_truncated`, sentence, { cause: error });
  }
  if (!/^(Z_|ZSTD_)/.test(code)) return error;
  const help = code.includes('window') ? ': it was compressed with a window that is too large (--long)' : '';
  return new CompressedContentError(`${compression}_corrupt`, `The ${name} is damaged (${message})${help}.`, {
    cause: error,
  });
}
