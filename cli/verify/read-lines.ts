import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { createGunzip } from 'node:zlib';

/** The lines of a file, unpacked where its name ends in `.gz`. @throws what reading or unpacking fails with */
export function readLines(path: string): AsyncGenerator<string> {
  const file = createReadStream(path, { highWaterMark: 1024 * 1024 });
  return linesOf(path.endsWith('.gz') ? unpacked(file) : file);
}

/** Of receipts as they lie in the archive. */
export function linesOfGzip(file: Readable): AsyncGenerator<string> {
  return linesOf(unpacked(file));
}

function unpacked(file: Readable): Readable {
  // An error of either shows where the lines are read.
  return pipeline(file, createGunzip(), () => undefined);
}

/** Line feeds alone end lines: readline would take U+2028 for an end, too, which JSON has in its strings. */
async function* linesOf(input: Readable): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of input as AsyncIterable<Buffer>) {
    const lines = (rest + decoder.write(chunk)).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  rest += decoder.end();
  if (rest !== '') yield rest;
}
