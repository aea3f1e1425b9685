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
 * @throws CliError if the archive's bytes are damaged or truncated
 */
export async function printReceipts(gzip: Readable, out: Writable & { isTTY?: boolean }): Promise<void> {
  try {
    if (out.isTTY) await pipeline(gzip, createGunzip(), harmlessText(), out, { end: false });
    else await pipeline(gzip, createGunzip(), out, { end: false });
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'EPIPE') return;
    if (/^Z_/.test(code))
      throw new CliError('The receipts in the archive are damaged and cannot be decompressed.', { cause: error });
    throw error;
  }
}

/** Receipts quote the API, and JSON does not escape every character that moves a terminal's cursor. */
function harmlessText(): Transform {
  const decoder = new StringDecoder('utf8');
  return new Transform({
    transform: (chunk: Buffer, _encoding, done) => done(null, harmless(decoder.write(chunk))),
    flush: (done) => done(null, harmless(decoder.end())),
  });
}
