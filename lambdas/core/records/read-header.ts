import type { Buffer } from 'node:buffer';
import { splitFields } from './csv-fields.ts';
import { CsvScanner } from './csv-scanner.ts';
import { decodeText, trimForMessage } from './decode-text.ts';
import { describeMissingColumns } from './describe-header.ts';
import type { DetectedDialect, DialectWish } from './detect-dialect.ts';
import type { CsvDialect } from './dialect.ts';

/** A longer header is none. Bytes. */
const maxHeaderBytes = 64 * 1024;

const delimiters = [',', ';', '\t', '|'] as const;
const lineFeed = 10;
const carriageReturn = 13;

/** One way to read the header. */
interface Reading {
  dialect: CsvDialect;
  missing: string[];
}

/** The CSV dialect under whose delimiter the header has most of the columns wished for; refused if it hasn't all. */
export function readHeader(head: Buffer, atEnd: boolean, wish: DialectWish): DetectedDialect {
  const begin = head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf ? 3 : 0;
  const lineBreaks = lineBreaksOf(head, begin, atEnd);
  if (lineBreaks === 'more') return { kind: 'more' };

  let best: Reading | undefined;
  let refusal: Extract<DetectedDialect, { kind: 'refused' }> | undefined;
  for (const lineBreak of lineBreaks) {
    for (const delimiter of delimiters) {
      const reading = readHeaderAs(head, begin, atEnd, wish, { lineBreak, delimiter });
      if (reading === 'more') return { kind: 'more' };
      if ('kind' in reading) refusal ??= reading;
      else if (best === undefined || isBetter(reading, best)) best = reading;
    }
  }
  if (!best) return refusal ?? refused('bad_header', 'The file has no CSV header.');
  if (best.missing.length > 0) {
    const { columns, delimiter } = best.dialect;
    return refused('missing_columns', describeMissingColumns({ missing: best.missing, columns, delimiter }));
  }
  const { columns } = best.dialect;
  const twice = columns.find((name, n) => name !== '' && columns.indexOf(name) !== n);
  if (twice !== undefined) {
    return refused('duplicate_columns', `The CSV header has the column "${trimForMessage(twice)}" more than once.`);
  }
  return { kind: 'dialect', dialect: best.dialect };
}

function isBetter(one: Reading, other: Reading): boolean {
  if (one.missing.length !== other.missing.length) return one.missing.length < other.missing.length;
  // A lone CR is a line break only where that makes a header of what is none otherwise.
  if (one.dialect.lineBreak !== other.dialect.lineBreak) return false;
  return one.dialect.columns.length > other.dialect.columns.length;
}

/** What may end the header's line, the likelier first: it wins a draw. */
function lineBreaksOf(head: Buffer, begin: number, atEnd: boolean): ('lf' | 'cr')[] | 'more' {
  const limit = begin + maxHeaderBytes + 2;
  const looked = head.subarray(begin, limit);
  const cr = looked.indexOf(carriageReturn);
  const lf = looked.indexOf(lineFeed);
  if (lf !== -1 && (cr === -1 || cr >= lf - 1)) return ['lf'];
  const isAll = atEnd || head.length >= limit;
  if (lf === -1 && !isAll) return 'more';
  if (lf === -1) return cr === -1 ? ['lf'] : ['cr'];
  return ['lf', 'cr'];
}

function readHeaderAs(
  head: Buffer,
  begin: number,
  atEnd: boolean,
  wish: DialectWish,
  { lineBreak, delimiter }: Pick<CsvDialect, 'lineBreak' | 'delimiter'>,
): Reading | Extract<DetectedDialect, { kind: 'refused' }> | 'more' {
  const scanner = new CsvScanner({ lineBreak, delimiter, columns: [] }, maxHeaderBytes);
  const found = scanner.find(head, begin, atEnd);
  if (found === 'more') return 'more';
  if (found === 'oversize' || found === 'end') {
    return refused('bad_header', `The CSV header is longer than ${maxHeaderBytes} bytes.`);
  }
  const text = decodeText(head.subarray(scanner.start, scanner.end), wish.encoding);
  if (text === null) {
    return refused('invalid_encoding', `The CSV header is not valid ${wish.encoding.toUpperCase()}.`);
  }
  const split = splitFields(text, delimiter);
  if (split.kind === 'problem') return refused('bad_header', `The CSV header can't be read: ${split.problem.message}.`);
  const columns = split.fields.map((name) => name.trim());
  return {
    dialect: {
      format: 'csv',
      encoding: wish.encoding,
      delimiter,
      lineBreak,
      columns,
      bodyOffset: scanner.next,
      bodyLine: 1 + scanner.linesBefore + scanner.lines,
    },
    missing: wish.columns.filter((name) => !columns.includes(name)),
  };
}

function refused(code: string, message: string): Extract<DetectedDialect, { kind: 'refused' }> {
  return { kind: 'refused', code, message };
}
