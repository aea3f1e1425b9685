import { Buffer } from 'node:buffer';
import { CompressedContentError, LeaseLostError } from '../core/errors.ts';
import type { CompressedContent, FileAccount, SourceObject } from '../core/file-account.ts';
import type { Deadline } from '../runtime/deadline.ts';
import { inflate, isGzip } from './inflate.ts';
import type { SplitterPorts } from './splitter-ports.ts';
import { fileLeaseMs, saveProgress } from './splitter-ports.ts';

/** What a gzip may hold. A restart inflates all up to its checkpoint, so the size has to fit the function's time. */
export interface GzipLimits {
  maxContentBytes: number;
  /** Content to compressed bytes, at most. Deflate itself ends at about 1,030. */
  maxRatio: number;
  /** An invocation that had this long for it and did not get to the end will not the next time either. Milliseconds. */
  roomMs: number;
}

/** A file that holds no more than this is no bomb, whatever its ratio. Bytes. */
const harmlessBytes = 32 * 1024 * 1024;

const tooSlow = 'Decompressing the gzip takes longer than a function may run: drop the file uncompressed, or in parts.';

export type ContentCheck =
  | { kind: 'plain' }
  | { kind: 'compressed'; content: CompressedContent }
  | { kind: 'refused'; code: string; message: string }
  | { kind: 'out-of-time' };

/**
 * Inflates a compressed file once, to its end, before anything of it is sent: half of a damaged export must not reach
 * the API, since the whole one that follows it has another checksum and so other request ids.
 */
export async function checkCompressed(
  file: FileAccount,
  whole: Buffer | undefined,
  ports: SplitterPorts,
  deadline: Deadline,
): Promise<ContentCheck> {
  if (!isGzip(whole ?? (await firstChunk(file.source, ports)))) return { kind: 'plain' };
  const hadMs = deadline.remainingMs();
  let renewAt = ports.clock.now() + fileLeaseMs / 3;
  let bytes = 0;
  let compressedBytes = 0;
  try {
    const compressed = whole ? [whole] : ports.sources.read(file.source, 0);
    for await (const chunk of inflate(compressed, (count) => (compressedBytes = count))) {
      bytes += chunk.length;
      refuseTooMuch(bytes, file.source.sizeBytes, ports.gzip);
      if (deadline.isDrawingIn()) {
        // Asked to end early, it has not had its time.
        const usedMs = hadMs - deadline.remainingMs();
        if (hadMs < ports.gzip.roomMs || usedMs < ports.gzip.roomMs / 2) return { kind: 'out-of-time' };
        throw new CompressedContentError('gzip_too_large', tooSlow);
      }
      if (ports.clock.now() < renewAt) continue;
      if (!(await saveProgress(file, ports, {}))) {
        throw new LeaseLostError(`The file ${file.fileId} was claimed by another splitter.`);
      }
      renewAt = ports.clock.now() + fileLeaseMs / 3;
    }
    await refuseRest(file.source, whole, compressedBytes, ports);
    return { kind: 'compressed', content: { compression: 'gzip', bytes } };
  } catch (error) {
    if (!(error instanceof CompressedContentError)) throw error;
    return { kind: 'refused', code: error.code, message: `${error.message} Nothing of it was sent.` };
  }
}

async function firstChunk(source: SourceObject, { sources }: SplitterPorts): Promise<Buffer> {
  let head: Buffer = Buffer.alloc(0);
  for await (const chunk of sources.read(source, 0)) {
    head = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
    if (head.length >= 3) break;
  }
  return head;
}

function refuseTooMuch(bytes: number, compressedBytes: number, limits: GzipLimits): void {
  if (bytes > limits.maxContentBytes) {
    throw new CompressedContentError(
      'gzip_too_large',
      `The gzip holds more than ${limits.maxContentBytes} bytes, the limit for compressed files: ` +
        `drop it uncompressed, or in parts.`,
    );
  }
  if (bytes > harmlessBytes && bytes > limits.maxRatio * compressedBytes) {
    throw new CompressedContentError(
      'gzip_bomb',
      `The gzip holds more than ${limits.maxRatio} times its own ${compressedBytes} bytes, the limit for compressed files.`,
    );
  }
}

/** Zeros after the last member are padding (tapes have it); anything else would be left out without a word. */
async function refuseRest(
  source: SourceObject,
  whole: Buffer | undefined,
  from: number,
  { sources }: SplitterPorts,
): Promise<void> {
  if (from >= source.sizeBytes) return;
  for await (const chunk of whole ? [whole.subarray(from)] : sources.read(source, from)) {
    if (chunk.every((byte) => byte === 0)) continue;
    throw new CompressedContentError(
      'gzip_corrupt',
      `The gzip is damaged: its last whole member ends at byte ${from} of ${source.sizeBytes}, and no other follows.`,
    );
  }
}
