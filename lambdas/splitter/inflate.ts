import type { Buffer } from 'node:buffer';
import { Readable, pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { CompressedContentError } from '../core/errors.ts';

/** Bytes of content handed on at once, at most: a bomb's next gigabyte waits until these are taken. */
const chunkBytes = 512 * 1024;

/** What zlib says of bytes it can't make sense of. */
const zlibFaults: Record<string, [CompressedContentError['code'], string]> = {
  Z_BUF_ERROR: ['gzip_truncated', 'The gzip ends in the middle: the file was not exported or copied whole.'],
  Z_DATA_ERROR: ['gzip_corrupt', 'The gzip is damaged'],
};

export function isGzip(head: Buffer): boolean {
  // The third byte is the method: 8 (deflate) is the only one there is (RFC 1952, 2.3.1).
  return head.length >= 3 && head[0] === 0x1f && head[1] === 0x8b && head[2] === 8;
}

/**
 * The content of a gzip, however many members it has. Holds a chunk or two at a time, whatever the ratio. Given to
 * `onEnd` at the end: how many bytes of the gzip that took; fewer than there are where zeros follow the last member.
 *
 * @throws CompressedContentError (`gzip_truncated`, `gzip_corrupt`), and what reading `compressed` throws
 */
export async function* inflate(
  compressed: AsyncIterable<Buffer> | Iterable<Buffer>,
  onEnd: (compressedBytes: number) => void = () => undefined,
): AsyncGenerator<Buffer> {
  const source = Readable.from(compressed, { objectMode: true, highWaterMark: 1 });
  const gunzip = createGunzip({ chunkSize: chunkBytes });
  // An error of either destroys both, and comes out of the loop below.
  pipeline(source, gunzip, () => undefined);
  try {
    for await (const chunk of gunzip) yield chunk as Buffer;
    onEnd(gunzip.bytesWritten);
  } catch (error) {
    const fault = zlibFaults[(error as { code?: string }).code ?? ''];
    if (!fault) throw error;
    const [code, sentence] = fault;
    const detail = code === 'gzip_corrupt' ? ` (${(error as Error).message}).` : '';
    throw new CompressedContentError(code, `${sentence}${detail}`, { cause: error });
  } finally {
    gunzip.destroy();
    source.destroy();
  }
}
