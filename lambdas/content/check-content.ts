import { Buffer } from 'node:buffer';
import { crc32 } from 'node:zlib';
import { CompressedContentError } from '../core/errors.ts';
import type { Compression, SourceObject, StoredContent } from '../core/account/file-account.ts';
import { Utf16Decoder, utf16Of } from '../core/records/decode-utf16.ts';
import type { SourceObjects } from '../ports.ts';
import { compressionNames, compressionOf } from './decompress.ts';
import type { ZipMember } from './open-zip.ts';
import { openZip } from './open-zip.ts';
import { readPlace, readUnpacked } from './read-content.ts';

/**
 * Limits of a compressed file's content. A restart reads everything up to its checkpoint, so the size has to fit the
 * function's time.
 */
export interface ContentLimits {
  maxContentBytes: number;
  /** The maximum ratio of content to compressed bytes. Deflate's own maximum is about 1,030. */
  maxRatio: number;
}

/** A file with no more content than this is not a bomb, whatever its ratio. Bytes. */
const harmlessBytes = 32 * 1024 * 1024;

export type ContentCheck =
  /** The object's bytes are the records'. */
  | { kind: 'plain' }
  | { kind: 'stored'; content: StoredContent }
  | { kind: 'refused'; code: string; message: string }
  | { kind: 'out-of-time' };

export interface CheckPorts {
  sources: Pick<SourceObjects, 'read'>;
  limits: ContentLimits;
  /**
   * Called after each chunk: renews a lease, shows progress, checks the time. `stop` ends the check as out of time,
   * `too-slow` refuses the file.
   */
  onChunk: (contentBytes: number) => Promise<'go-on' | 'stop' | 'too-slow'>;
}

/** How the bytes are stored, before their size is known. */
type Stored = Omit<StoredContent, 'bytes'>;

/**
 * Determines whether an object's bytes are the records, or contain them compressed or in UTF-16. The latter are read once
 * to the end before any record is sent: half of a damaged export must not reach the API, since the complete one that
 * follows has another checksum and therefore other request ids.
 *
 * @param whole the object's bytes, if they are in memory
 * @throws what reading the object and `onChunk` throw
 */
export async function checkContent(
  source: SourceObject,
  whole: Buffer | undefined,
  ports: CheckPorts,
): Promise<ContentCheck> {
  const { sources } = ports;
  const readRange = (offset: number, bytes: number): Promise<Buffer> =>
    whole
      ? Promise.resolve(whole.subarray(offset, offset + bytes))
      : gather(readPlace(source, { offset, bytes }, sources));
  try {
    const head = await readRange(0, 4);
    const compression = compressionOf(head);
    if (!compression && !utf16Of(head)) return { kind: 'plain' };
    const ends =
      compression && compression !== 'zstd' ? await possibleEnds(source.sizeBytes, readRange) : [source.sizeBytes];
    let fault: CompressedContentError | undefined;
    for (const end of ends) {
      try {
        const zip = compression === 'zip' ? await openZip(end, readRange) : undefined;
        const stored: Stored = {
          ...(compression ? { compression } : {}),
          ...(zip ? { place: zip.place, member: zip.member } : {}),
          ...(end < source.sizeBytes && !zip ? { place: { offset: 0, bytes: end } } : {}),
        };
        return await measure(source, stored, whole, { ...ports, zip });
      } catch (error) {
        if (!(error instanceof CompressedContentError)) throw error;
        fault ??= error;
        if (!/_(corrupt|truncated)$/.test(error.code)) break;
      }
    }
    throw fault ?? new Error('A file ends somewhere.');
  } catch (error) {
    if (!(error instanceof CompressedContentError)) throw error;
    return { kind: 'refused', code: error.code, message: error.message };
  }
}

/**
 * The possible ends of a gzip or ZIP archive: some tools write a line break after it. The archive's own last byte may be
 * the same, so the whole object is tried first.
 */
async function possibleEnds(
  sizeBytes: number,
  readRange: (offset: number, bytes: number) => Promise<Buffer>,
): Promise<number[]> {
  const [lineFeed, carriageReturn] = [10, 13];
  const last = await readRange(Math.max(0, sizeBytes - 2), 2);
  const ends = [sizeBytes];
  if (last.at(-1) === lineFeed) ends.push(sizeBytes - 1);
  if (last.at(-1) === lineFeed && last.at(-2) === carriageReturn) ends.push(sizeBytes - 2);
  return ends;
}

async function measure(
  source: SourceObject,
  stored: Stored,
  whole: Buffer | undefined,
  ports: CheckPorts & { zip: ZipMember | undefined },
): Promise<ContentCheck> {
  const { sources, zip } = ports;
  const decodedFrom = utf16Of(await firstBytes(readUnpacked(source, stored, whole, sources), 4));
  const decoder = decodedFrom && new Utf16Decoder(decodedFrom);
  const compressedBytes = stored.place?.bytes ?? source.sizeBytes;
  let usedBytes = compressedBytes;
  let unpackedBytes = 0;
  let bytes = 0;
  let checksum = 0;
  const what = stored.compression ? `The ${compressionNames[stored.compression]}` : 'The file';
  for await (const chunk of readUnpacked(source, stored, whole, sources, (count) => (usedBytes = count))) {
    unpackedBytes += chunk.length;
    bytes += decoder ? decoder.push(chunk).length : chunk.length;
    if (zip) checksum = crc32(chunk, checksum);
    refuseTooMuch(unpackedBytes, compressedBytes, stored.compression, ports.limits);
    const next = await ports.onChunk(bytes);
    if (next === 'stop') return { kind: 'out-of-time' };
    if (next === 'too-slow') {
      throw new CompressedContentError(
        `${stored.compression ?? 'utf16'}_too_large`,
        `${what} takes longer to read than a function may run: drop it ${stored.compression ? 'uncompressed' : 'in UTF-8'}, or in parts.`,
      );
    }
  }
  bytes += decoder?.end().length ?? 0;
  if (zip && (unpackedBytes !== zip.bytes || checksum !== zip.crc32 || usedBytes !== compressedBytes)) {
    throw new CompressedContentError(
      'zip_corrupt',
      `The ZIP archive is damaged: its content does not match its directory (${unpackedBytes} of ${zip.bytes} bytes, ` +
        `checksum ${checksum === zip.crc32 ? 'right' : 'wrong'}).`,
    );
  }
  if (stored.compression && !zip) await refuseRest(source, stored.compression, usedBytes, { ...ports, whole });
  return { kind: 'stored', content: { ...stored, ...(decodedFrom ? { decodedFrom } : {}), bytes } };
}

function refuseTooMuch(
  bytes: number,
  compressedBytes: number,
  compression: Compression | undefined,
  limits: ContentLimits,
): void {
  const what = compression ? `The ${compressionNames[compression]}` : 'The file in UTF-16';
  if (bytes > limits.maxContentBytes) {
    throw new CompressedContentError(
      `${compression ?? 'utf16'}_too_large`,
      `${what} contains more than ${limits.maxContentBytes} bytes, the limit for files that are compressed or not in ` +
        `UTF-8: drop it ${compression ? 'uncompressed' : 'in UTF-8'}, or in parts.`,
    );
  }
  if (compression && bytes > harmlessBytes && bytes > limits.maxRatio * compressedBytes) {
    throw new CompressedContentError(
      `${compression}_bomb`,
      `${what} expands to more than ${limits.maxRatio} times its own ${compressedBytes} bytes, the limit for compressed files.`,
    );
  }
}

/**
 * Zeros after the last member are padding (tapes have it), line breaks are harmless; anything else would be left out
 * silently.
 */
async function refuseRest(
  source: SourceObject,
  compression: Compression,
  from: number,
  { sources, whole }: { sources: CheckPorts['sources']; whole: Buffer | undefined },
): Promise<void> {
  const padding: readonly number[] = [0, 10, 13];
  if (from >= source.sizeBytes) return;
  for await (const chunk of whole ? [whole.subarray(from)] : sources.read(source, from)) {
    if (chunk.every((byte) => padding.includes(byte))) continue;
    throw new CompressedContentError(
      `${compression}_corrupt`,
      `The ${compressionNames[compression]} is damaged: its last complete member ends at byte ${from} of ` +
        `${source.sizeBytes}, and no other follows.`,
    );
  }
}

async function gather(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const gathered: Buffer[] = [];
  for await (const chunk of chunks) gathered.push(chunk);
  return Buffer.concat(gathered);
}

/** The first bytes: that many, or all there are. */
async function firstBytes(chunks: AsyncIterable<Buffer>, bytes: number): Promise<Buffer> {
  let head: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    head = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
    if (head.length >= bytes) break;
  }
  return head;
}
