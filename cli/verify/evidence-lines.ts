import { createReadStream, statSync } from 'node:fs';
import { CompressedContentError } from '../../lambdas/core/errors.ts';
import { decompress } from '../../lambdas/content/decompress.ts';
import { DoesNotHoldError, mustHold } from './verified.ts';

/** A receipt quotes at most 64 KiB of its record, each byte as up to six characters. */
const maxLineBytes = 8 * 1024 * 1024;

const lineFeed = 10;
const readBytes = 256 * 1024;

export function readChunks(path: string, start = 0): AsyncIterable<Buffer> {
  return createReadStream(path, { start, highWaterMark: readBytes }) as AsyncIterable<Buffer>;
}

/**
 * The content of a gzip file: one or more members, and nothing after the last one.
 * @param what it is, for the message
 * @throws DoesNotHoldError
 */
export async function* unpack(path: string, what: string): AsyncGenerator<Buffer> {
  mustHold(statSync(path).size > 0, `${what} is an empty file, not a gzip`);
  let end = 0;
  try {
    yield* decompress(readChunks(path), { compression: 'gzip' }, (bytes) => (end = bytes));
  } catch (error) {
    if (!(error instanceof CompressedContentError)) throw error;
    throw new DoesNotHoldError(`${what} cannot be decompressed: ${error.message}`, { cause: error });
  }
  mustHold(end === statSync(path).size, `there is data after the gzip in ${what}`);
}

/**
 * Lines without their line feeds, as bytes. Takes time linear in the bytes, whatever they are.
 * @throws DoesNotHoldError if a line is too long, or the last one has no line feed
 */
export async function* linesOf(chunks: AsyncIterable<Buffer>, what: string): AsyncGenerator<Buffer> {
  let parts: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    let from = 0;
    for (let end = chunk.indexOf(lineFeed); end !== -1; end = chunk.indexOf(lineFeed, from)) {
      const last = chunk.subarray(from, end);
      mustHold(bytes + last.length <= maxLineBytes, `a line of ${what} is longer than ${maxLineBytes} bytes`);
      yield parts.length === 0 ? last : Buffer.concat([...parts, last]);
      parts = [];
      bytes = 0;
      from = end + 1;
    }
    const rest = chunk.subarray(from);
    bytes += rest.length;
    mustHold(bytes <= maxLineBytes, `a line of ${what} is longer than ${maxLineBytes} bytes`);
    if (rest.length > 0) parts.push(rest);
  }
  mustHold(bytes === 0, `the last line of ${what} has no line feed`);
}
