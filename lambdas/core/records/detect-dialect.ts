import { isUtf8 } from 'node:buffer';
import type { Encoding, Format } from '../../../feeds/feed.ts';
import type { CsvDialect, Dialect } from './dialect.ts';
import { parseCsvFields } from './parse-csv-fields.ts';
import { newScanned, RecordScanner } from './scan-record.ts';

export interface DialectWish {
  /** Formats that the feed takes; a single one is fixed rather than detected. */
  formats: readonly Format[];
  encoding: Encoding;
  /** Names that a CSV header must have. */
  columns: readonly string[];
  /** The object's key: its extension decides where the content could be either. */
  key: string;
}

export type DetectedDialect =
  | { kind: 'dialect'; dialect: Dialect }
  | { kind: 'refused'; code: string; message: string }
  /** Too little has been read to tell. */
  | { kind: 'more' }
  /** Nothing but blanks. */
  | { kind: 'empty' };

/** A longer header is none. Bytes. */
const maxHeaderBytes = 64 * 1024;

const delimiters = [',', ';', '\t', '|'] as const;

/** Files that are something else altogether, by their first bytes, and what to say of them. */
const strangers: { magic: number[]; code: string; what: string }[] = [
  { magic: [0x25, 0x50, 0x44, 0x46], code: 'is_pdf', what: 'a PDF document' },
  { magic: [0x50, 0x4b, 0x03, 0x04], code: 'is_zip', what: 'a ZIP archive or an Excel workbook (.xlsx)' },
  { magic: [0xd0, 0xcf, 0x11, 0xe0], code: 'is_ole', what: 'an old Office document, such as an Excel workbook (.xls)' },
  { magic: [0x1f, 0x8b], code: 'is_gzip', what: 'compressed with gzip' },
  { magic: [0xff, 0xfe], code: 'is_utf16', what: 'encoded in UTF-16' },
  { magic: [0xfe, 0xff], code: 'is_utf16', what: 'encoded in UTF-16' },
];

/** Tells from a file's beginning how its records are laid out, or in a sentence why it can't be one of the feed's. */
export function detectDialect(head: Buffer, atEnd: boolean, wish: DialectWish): DetectedDialect {
  if (head.length < 4 && !atEnd) return { kind: 'more' };
  const stranger = strangers.find(({ magic }) => magic.every((byte, index) => head[index] === byte));
  if (stranger) {
    const message = `The file is ${stranger.what}; this feed takes ${wish.formats.join(' or ')}.`;
    return { kind: 'refused', code: stranger.code, message };
  }
  const bodyOffset = head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf ? 3 : 0;
  const first = firstByte(head, bodyOffset);
  if (first === undefined) return atEnd ? { kind: 'empty' } : { kind: 'more' };
  const format = formatOf(first, wish);
  if (format === undefined) {
    const message = `The file begins like a JSON array; this feed takes ${wish.formats.join(' or ')}.`;
    return { kind: 'refused', code: 'wrong_format', message };
  }
  if (format === 'csv') return detectCsv(head, bodyOffset, atEnd, wish);
  return { kind: 'dialect', dialect: { format, encoding: wish.encoding, bodyOffset, bodyLine: 1 } };
}

/** The first byte that is no blank. */
function firstByte(head: Buffer, from: number): number | undefined {
  for (let at = from; at < head.length; at++) {
    const byte = head[at] as number;
    if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d) return byte;
  }
  return undefined;
}

function formatOf(first: number, { formats, key }: DialectWish): Format | undefined {
  if (formats.length === 1) return formats[0];
  const takes = (format: Format) => (formats.includes(format) ? format : undefined);
  if (first === 0x5b) return takes('json-array') ?? (/\.(jsonl|ndjson)$/i.test(key) ? takes('jsonl') : undefined);
  if (first === 0x7b) return takes('jsonl') ?? takes('json-document');
  // Anything else begins a CSV header; a broken first line of JSON Lines is told by the extension.
  return /\.(jsonl|ndjson)$/i.test(key) ? (takes('jsonl') ?? takes('csv')) : (takes('csv') ?? takes('jsonl'));
}

function detectCsv(head: Buffer, bodyOffset: number, atEnd: boolean, wish: DialectWish): DetectedDialect {
  const lineBreak = lineBreakOf(head, bodyOffset, atEnd);
  if (lineBreak === undefined) return head.length > maxHeaderBytes ? headerTooLong : { kind: 'more' };
  const readings = delimiters.map((delimiter) => readHeader(head, bodyOffset, atEnd, { delimiter, lineBreak, wish }));
  if (readings.some((reading) => reading === 'more'))
    return head.length > maxHeaderBytes ? headerTooLong : { kind: 'more' };
  const headers = readings.filter((reading): reading is Header => typeof reading === 'object');
  const wished = (header: Header) => header.dialect.columns.filter((name) => wish.columns.includes(name)).length;
  // The delimiter under which most is as it should be; where none helps, the one that makes most columns.
  const best = headers.sort((a, b) => wished(b) - wished(a) || b.dialect.columns.length - a.dialect.columns.length)[0];
  if (!best)
    return {
      kind: 'refused',
      code: 'bad_header',
      message: 'The first line is no CSV header: its quotes do not match.',
    };
  if (best.bytes > maxHeaderBytes) return headerTooLong;
  const { columns } = best.dialect;
  const missing = wish.columns.filter((name) => !columns.includes(name));
  if (missing.length > 0) {
    const message = `The header lacks ${missing.join(', ')}. It has: ${shown(columns)}.`;
    return { kind: 'refused', code: 'missing_columns', message };
  }
  const twice = columns.find((name, index) => name !== '' && columns.indexOf(name) !== index);
  if (twice !== undefined) {
    return { kind: 'refused', code: 'duplicate_columns', message: `The header has ${shown([twice])} more than once.` };
  }
  return { kind: 'dialect', dialect: best.dialect };
}

const headerTooLong: DetectedDialect = {
  kind: 'refused',
  code: 'header_too_long',
  message: `The header does not end within ${maxHeaderBytes} bytes.`,
};

/** A CR that no LF follows ends lines only where it comes first; undefined where that can't be told yet. */
function lineBreakOf(head: Buffer, from: number, atEnd: boolean): 'lf' | 'cr' | undefined {
  const lf = head.indexOf(0x0a, from);
  const cr = head.indexOf(0x0d, from);
  if (cr === -1 || (lf !== -1 && lf < cr)) return lf !== -1 || atEnd ? 'lf' : undefined;
  if (cr + 1 === head.length) return atEnd ? 'cr' : undefined;
  return head[cr + 1] === 0x0a ? 'lf' : 'cr';
}

interface Header {
  dialect: CsvDialect;
  bytes: number;
}

function readHeader(
  head: Buffer,
  from: number,
  atEnd: boolean,
  how: { delimiter: CsvDialect['delimiter']; lineBreak: CsvDialect['lineBreak']; wish: DialectWish },
): Header | 'more' | 'bad' {
  const { delimiter, lineBreak, wish } = how;
  const { encoding } = wish;
  const bare: CsvDialect = {
    format: 'csv',
    encoding,
    bodyOffset: from,
    bodyLine: 1,
    delimiter,
    lineBreak,
    columns: [],
  };
  const scanned = newScanned();
  const end = new RecordScanner(head, atEnd, bare, maxHeaderBytes).scan(from, scanned);
  if (end === 'more' || end === 'none') return 'more';
  const bytes = head.subarray(scanned.start, scanned.end);
  if (end === 'oversize' || scanned.problem || (encoding === 'utf-8' && !isUtf8(bytes))) return 'bad';
  const text = encoding === 'utf-8' ? bytes.toString('utf8') : bytes.toString('latin1');
  const columns = parseCsvFields(text, delimiter).map((name) => name.trim());
  const body = { bodyOffset: scanned.next, bodyLine: 1 + scanned.linesToNext };
  return { dialect: { ...bare, ...body, columns }, bytes: bytes.length };
}

/** Names as a sentence can show them. */
function shown(names: readonly string[]): string {
  const some = names.slice(0, 20).map((name) => `'${name.replace(/[\p{Cc}]/gu, ' ').slice(0, 40)}'`);
  return names.length > 20 ? `${some.join(', ')} and ${names.length - 20} more` : some.join(', ');
}
