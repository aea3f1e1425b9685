import type { Readable, Writable } from 'node:stream';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { StringDecoder } from 'node:string_decoder';
import { createGunzip } from 'node:zlib';
import { CliError } from '../cli-error.ts';
import { harmless } from '../terminal/format.ts';

/**
 * Unpacks receipts (a gzip file of many members, one per batch) as fast as the reader takes them. A reader that closes
 * early (`| head`) is no error.
 * @param options.isJson one JSON array instead of a JSON object per line
 * @throws CliError if the archive's bytes are damaged or truncated
 */
export async function printReceipts(
  gzip: Readable,
  out: Writable & { isTTY?: boolean },
  { isJson = false }: { isJson?: boolean } = {},
): Promise<void> {
  const steps = [...(isJson ? [arrayOfLines()] : []), ...(out.isTTY ? [harmlessText()] : [])];
  try {
    await pipeline([gzip, createGunzip(), ...steps, out], { end: false });
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'EPIPE') return;
    if (/^Z_/.test(code))
      throw new CliError('The receipts in the archive are damaged and cannot be decompressed.', { cause: error });
    throw error;
  }
}

/** One JSON array instead of a JSON object per line; each line ends with a line feed. */
function arrayOfLines(): Transform {
  let isFirst = true;
  let isAtStart = true;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      // Bytes, not text: a line feed is never a part of another UTF-8 character.
      const parts: Buffer[] = [];
      for (let from = 0; from < chunk.length;) {
        if (isAtStart) parts.push(Buffer.from(isFirst ? '[\n' : ',\n'));
        [isFirst, isAtStart] = [false, false];
        const end = chunk.indexOf(0x0a, from);
        parts.push(chunk.subarray(from, end === -1 ? undefined : end));
        if (end === -1) break;
        isAtStart = true;
        from = end + 1;
      }
      done(null, Buffer.concat(parts));
    },
    flush: (done) => done(null, isFirst ? '[]\n' : '\n]\n'),
  });
}

/** Receipts quote the API, and JSON does not escape every character that moves a terminal's cursor. */
function harmlessText(): Transform {
  const decoder = new StringDecoder('utf8');
  return new Transform({
    transform: (chunk: Buffer, _encoding, done) => done(null, harmless(decoder.write(chunk))),
    flush: (done) => done(null, harmless(decoder.end())),
  });
}
