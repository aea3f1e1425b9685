import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { CliError } from '../cli-error.ts';

/**
 * Unpacks receipts (a gzip of many members, one a batch) as fast as the reader takes them. A reader that goes away
 * (`| head`) has had what it wanted.
 * @throws CliError where the archive's bytes are damaged or end early
 */
export async function printReceipts(gzip: Readable, out: Writable): Promise<void> {
  try {
    await pipeline(gzip, createGunzip(), out, { end: false });
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'EPIPE') return;
    if (/^Z_/.test(code))
      throw new CliError('The receipts in the archive are damaged: they do not unpack.', { cause: error });
    throw error;
  }
}
