import { CliError } from '../cli-error.ts';
import { oneLine } from '../terminal/format.ts';

/** How a program with the wrong character set changes a text. */
export type ReEncoding =
  /** UTF-8 was read in this character set: `é` becomes `Ã©`. */
  | { kind: 'misread'; charset: string }
  /** Saved in a character set that lacks some characters: they become `?` or `�`. */
  | { kind: 'lost' }
  /** Characters were taken apart: `é` is `e` and an accent. */
  | { kind: 'composed' };

/** A cell that was changed that way. */
export interface ReEncodedCell {
  line: number;
  column: string;
  before: string;
  after: string;
  how: ReEncoding;
}

/** The likely ones first. UTF-16 is refused before its cells are read. */
const charsets = [
  ...['windows-1252', 'macintosh', 'windows-1250', 'windows-1251', 'iso-8859-15', 'iso-8859-2', 'ibm866'],
  ...['windows-1253', 'windows-1254', 'windows-1255', 'windows-1256', 'windows-1257', 'windows-1258', 'windows-874'],
  ...['iso-8859-3', 'iso-8859-4', 'iso-8859-5', 'iso-8859-6', 'iso-8859-7', 'iso-8859-8', 'iso-8859-10', 'iso-8859-13'],
  ...[
    'iso-8859-14',
    'iso-8859-16',
    'koi8-r',
    'koi8-u',
    'x-mac-cyrillic',
    'gbk',
    'big5',
    'shift_jis',
    'euc-jp',
    'euc-kr',
  ],
];

const decoders = charsets.map((charset) => ({ charset, decoder: new TextDecoder(charset) }));

/** Undefined if the change is another one, such as a correction by a person. */
export function reEncodingOf(before: string, after: string): ReEncoding | undefined {
  if (before === after || !/[^\p{ASCII}]/u.test(before)) return undefined;
  // Only in this direction: a person puts characters together for an API that wants them so.
  if (before === before.normalize('NFC') && after === before.normalize('NFD')) return { kind: 'composed' };
  if (isLost(before, after)) return { kind: 'lost' };
  const charset = misreadAs(before, after);
  return charset === undefined ? undefined : { kind: 'misread', charset };
}

/** In which character set UTF-8 was read, once or twice. */
function misreadAs(before: string, after: string): string | undefined {
  const seen = withPlainSpaces(after);
  const shown = printable(after);
  // Each misread character becomes two or more. With as many as before, one letter may as well have been replaced by
  // another: `SÂO` read as ISO 8859-15, without its control character, is `SÃO`.
  const isLonger = shown.length > printable(before).length;
  return decoders.find(({ decoder }) => {
    const once = decoder.decode(Buffer.from(before));
    return [once, decoder.decode(Buffer.from(once))].some(
      (text) => withPlainSpaces(text) === seen || (isLonger && printable(text) === shown),
    );
  })?.charset;
}

const withPlainSpaces = (text: string): string => text.replace(/\p{Zs}/gu, ' ');

/** Without control characters, which programs drop or keep, and with one kind of space. */
const printable = (text: string): string => withPlainSpaces(text.replace(/\p{Cc}/gu, ''));

/** Whether every character beyond ASCII became a question mark or U+FFFD, and nothing else was changed. */
function isLost(before: string, after: string): boolean {
  if (/[^\p{ASCII}\uFFFD]/u.test(after)) return false;
  // A person may well replace another question mark by the usual one.
  if (/[¿？‽⸮؟;]/u.test(before)) return false;
  return withMarks(before) === withMarks(after);
}

const withMarks = (text: string): string => text.replace(/[^\p{ASCII}]|\?/gu, '?').replace(/\?+/g, '?');

/** The byte-order mark of UTF-8, as programs with other character sets show it: `ï»¿`, for example. */
const misreadMarks = [
  ...decoders.map(({ decoder }) => decoder.decode(Buffer.from([0x20, 0xef, 0xbb, 0xbf])).slice(1)),
  // Character sets of DOS, and windows-1252 twice.
  ...['∩╗┐', '´╗┐', 'Ã¯Â»Â¿'],
].filter((mark) => mark !== '' && !mark.includes('\uFFFD'));

/** @throws CliError if the CSV begins with a misread byte-order mark */
export function refuseMisreadMark(text: string): void {
  const start = text.replace(/^"/, '');
  const mark = misreadMarks.find((each) => start.startsWith(each));
  if (mark === undefined) return;
  throw new CliError(
    `The CSV's header begins with '${mark}': the file is in UTF-8 and was opened in another character set. ${howToSave}`,
  );
}

/** @throws CliError if there are any */
export function refuseReEncoded(cells: readonly ReEncodedCell[]): void {
  const [first] = cells;
  if (!first) return;
  const others =
    cells.length === 1 ? '' : ` and so in ${cells.length - 1} other ${cells.length === 2 ? 'cell' : 'cells'}`;
  const [before, after] = [first.before, first.after].map((text) => `'${oneLine(text, 40)}'`);
  throw new CliError(
    `The CSV was opened or saved in another character set than UTF-8. Line ${first.line}, column ` +
      `${oneLine(first.column, 40)}: ${before} became ${after} (${causeOf(first.how)})${others}. ${howToSave}`,
  );
}

function causeOf(how: ReEncoding): string {
  if (how.kind === 'misread') return `UTF-8 was read as ${how.charset}`;
  if (how.kind === 'lost') return 'the character set has no such characters';
  return 'the same characters, taken apart';
}

const howToSave =
  'Nothing was sent. Export the CSV again and open it as UTF-8 (Excel: Data, From Text/CSV, file origin "65001: Unicode ' +
  '(UTF-8)"; LibreOffice: character set "Unicode (UTF-8)"); correct it there, and save it as "CSV UTF-8".';
