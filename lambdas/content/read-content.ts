import { Buffer } from 'node:buffer';
import type { FileAccount, SourceObject, StoredContent } from '../core/account/file-account.ts';
import { Utf16Decoder } from '../core/records/decode-utf16.ts';
import type { SourceObjects } from '../ports.ts';
import { decompress } from './decompress.ts';

const nothing = Buffer.alloc(0);

/**
 * The content from `offset` to its end. Compressed or decoded content can't be read from the middle: it is read from its
 * start, and what precedes `offset` is discarded. For each discarded chunk an empty one is yielded, so that the caller can
 * renew its lease and check the time.
 *
 * @param whole the object's bytes, if they are in memory
 * @throws SourceChangedError when the object is no longer the one that was pinned
 * @throws CompressedContentError if it is damaged
 */
export async function* readContent(
  file: Pick<FileAccount, 'source' | 'content'>,
  whole: Buffer | undefined,
  sources: Pick<SourceObjects, 'read'>,
  offset: number,
): AsyncGenerator<Buffer> {
  if (!file.content) {
    if (whole) yield whole.subarray(offset);
    else yield* sources.read(file.source, offset);
    return;
  }
  let toSkip = offset;
  for await (const chunk of decode(readUnpacked(file.source, file.content, whole, sources), file.content.decodedFrom)) {
    const skipped = Math.min(toSkip, chunk.length);
    toSkip -= skipped;
    yield skipped === chunk.length ? nothing : chunk.subarray(skipped);
  }
}

/**
 * The content before it is decoded.
 * @param onEnd gets the number of compressed bytes used
 */
export async function* readUnpacked(
  source: SourceObject,
  { compression, place = { offset: 0, bytes: source.sizeBytes }, member }: Omit<StoredContent, 'bytes'>,
  whole: Buffer | undefined,
  sources: Pick<SourceObjects, 'read'>,
  onEnd?: (compressedBytes: number) => void,
): AsyncGenerator<Buffer> {
  const bytes = whole ? [whole.subarray(place.offset, place.offset + place.bytes)] : readPlace(source, place, sources);
  if (compression) yield* decompress(bytes, { compression, ...(member ? { member } : {}) }, onEnd);
  else yield* bytes;
}

/** Reads a part of an object. */
export async function* readPlace(
  source: SourceObject,
  { offset, bytes }: { offset: number; bytes: number },
  sources: Pick<SourceObjects, 'read'>,
): AsyncGenerator<Buffer> {
  let left = bytes;
  if (left === 0) return;
  for await (const chunk of sources.read(source, offset)) {
    yield chunk.length > left ? chunk.subarray(0, left) : chunk;
    left -= chunk.length;
    if (left <= 0) return;
  }
}

async function* decode(chunks: AsyncIterable<Buffer>, from: StoredContent['decodedFrom']): AsyncGenerator<Buffer> {
  if (!from) {
    yield* chunks;
    return;
  }
  const decoder = new Utf16Decoder(from);
  for await (const chunk of chunks) yield decoder.push(chunk);
  yield decoder.end();
}
