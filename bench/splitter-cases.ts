import { gzipSync } from 'node:zlib';
import type { Format } from '../feeds/feed.ts';

import { avionRows } from '../test/support/avion-export.ts';
import { columns } from '../test/support/avion-row-text.ts';

/** What a file of the benchmark is like. */
export interface SplitterCase {
  name: string;
  format: Exclude<Format, 'json-document'>;
  /** Rows are taken only where this holds. */
  takes?: (row: Buffer) => boolean;
  /** The object as stored in the bucket. Speeds are those of the bytes inside. */
  compress?: 'gzip';
}

const quote = 0x22;
const isAscii = (row: Buffer): boolean => row.every((byte) => byte < 0x80);
const hasNoQuote = (row: Buffer): boolean => !row.includes(quote);

/** As Avion writes them: a fifth of the rows contains letters beyond ASCII. Rows of ASCII alone are a separate case. */
export const splitterCases: readonly SplitterCase[] = [
  { name: 'csv', format: 'csv', takes: hasNoQuote },
  { name: 'csv, ASCII', format: 'csv', takes: (row) => hasNoQuote(row) && isAscii(row) },
  { name: 'csv, quotes', format: 'csv' },
  { name: 'csv, quotes, ASCII', format: 'csv', takes: isAscii },
  { name: 'jsonl', format: 'jsonl' },
  { name: 'jsonl, ASCII', format: 'jsonl', takes: isAscii },
  { name: 'json-array', format: 'json-array' },
  { name: 'csv, gzip', format: 'csv', takes: hasNoQuote, compress: 'gzip' },
  { name: 'jsonl, gzip', format: 'jsonl', compress: 'gzip' },
];

/** A file of any size made from one block of rows, made distinct by a number in each row's id. */
export interface RepeatedExport {
  head: Buffer;
  block: Buffer;
  /** Where in the block a row's id has six characters that change with each repetition. */
  marks: readonly number[];
  tail: Buffer;
}

/** As an id has it: six characters of base 36. */
const seedText = 'BENCH0';

/** About 4 MB of rows: more than a core's caches hold, so that the repetition is no advantage. */
const blockRows = 40_000;

export function repeatedExport({ format, takes = () => true }: SplitterCase): RepeatedExport {
  const [open, separator, tail] = format === 'json-array' ? ['[\n', ',\n', '{}\n]\n'] : ['', '\n', ''];
  const pieces: Buffer[] = [];
  const marks: number[] = [];
  let length = 0;
  const rows = avionRows({
    rows: blockRows,
    format: format === 'csv' ? 'csv' : 'jsonl',
    seed: Number.parseInt(seedText, 36),
  });
  for (const { bytes } of rows) {
    if (!takes(bytes)) continue;
    marks.push(length + bytes.indexOf(seedText));
    const piece = Buffer.concat([bytes, Buffer.from(separator)]);
    pieces.push(piece);
    length += piece.length;
  }
  return {
    head: Buffer.from(format === 'csv' ? `${columns.join(',')}\n` : open),
    block: Buffer.concat(pieces),
    marks,
    tail: Buffer.from(tail),
  };
}

/** Bytes of the file that has at least so many. */
export function sizeOf(content: RepeatedExport, atLeastBytes: number): number {
  return content.head.length + repetitions(content, atLeastBytes) * content.block.length + content.tail.length;
}

function repetitions({ block }: RepeatedExport, atLeastBytes: number): number {
  return Math.ceil(atLeastBytes / block.length);
}

/** As the S3 adapter hands them on: each a mebibyte of memory of its own, that ends anywhere in a row. */
const chunkBytes = 1024 * 1024;

/** The file's bytes, generated when they are read. */
export function* chunksOf(content: RepeatedExport, atLeastBytes: number): Generator<Buffer> {
  let chunk = Buffer.allocUnsafeSlow(chunkBytes);
  let filled = 0;
  for (const piece of piecesOf(content, atLeastBytes)) {
    for (let at = 0; at < piece.length;) {
      const copied = piece.copy(chunk, filled, at);
      at += copied;
      filled += copied;
      if (filled < chunkBytes) continue;
      yield chunk;
      chunk = Buffer.allocUnsafeSlow(chunkBytes);
      filled = 0;
    }
  }
  yield chunk.subarray(0, filled);
}

function* piecesOf(content: RepeatedExport, atLeastBytes: number): Generator<Buffer> {
  yield content.head;
  const block = Buffer.from(content.block);
  for (let n = 0; n < repetitions(content, atLeastBytes); n++) {
    const number = n.toString(36).toUpperCase().padStart(seedText.length, '0');
    for (const mark of content.marks) block.write(number, mark, 'latin1');
    yield block;
  }
  yield content.tail;
}

/** The stored bytes. */
export function objectOf({ compress }: SplitterCase, chunks: Buffer[]): Buffer[] {
  return compress === undefined ? chunks : [gzipSync(Buffer.concat(chunks))];
}
