import type { CsvDialect } from './dialect.ts';
import { hasInvisible, visibleText } from './visible-text.ts';

/** Names listed in a sentence. */
const maxNames = 12;
const maxNameCharacters = 40;
const maxHints = 3;

export const delimiterNames: Record<CsvDialect['delimiter'], string> = {
  ',': 'commas',
  ';': 'semicolons',
  '\t': 'tabs',
  '|': 'vertical bars',
};

/** A header that lacks columns, as read with the delimiter that fits it best. */
export interface HeaderFound {
  missing: readonly string[];
  /** The header's names. */
  columns: readonly string[];
  delimiter: CsvDialect['delimiter'];
  /** The header's physical line. */
  line?: number;
}

/** What a CSV header lacks, what it has instead, and how to correct it. */
export function describeMissingColumns({ missing, columns, delimiter, line }: HeaderFound): string {
  const lacks = `The CSV header${line === undefined || line === 1 ? '' : ` in line ${line}`} lacks the ${
    missing.length === 1 ? 'column' : 'columns'
  } ${quoteNames(missing)}.`;
  const found =
    columns.length === 1
      ? `It was read as one column: ${quoteNames(columns)}.`
      : `Separated by ${delimiterNames[delimiter]}, it has ${columns.length} columns: ${quoteNames(columns)}.`;
  return [lacks, found, ...hintsOf({ missing, columns, delimiter })].join(' ');
}

function quoteNames(names: readonly string[]): string {
  const shown = names.slice(0, maxNames).map((name) => `"${visibleText(name, maxNameCharacters)}"`);
  return names.length > maxNames ? `${shown.join(', ')} and ${names.length - maxNames} more` : shown.join(', ');
}

function hintsOf({ missing, columns, delimiter }: HeaderFound): string[] {
  const nearby = missing.flatMap((name) => {
    const near = columns.find((column) => column !== name && reduced(column) === reduced(name));
    return near === undefined ? [] : [describeNear(near, name)];
  });
  if (nearby.length > 0) return nearby.slice(0, maxHints);
  const separator = otherSeparator(columns.join(delimiter), missing);
  const known = (Object.keys(delimiterNames) as CsvDialect['delimiter'][]).find((each) => each === separator);
  if (known !== undefined) {
    return [
      `Separated by ${delimiterNames[known]} it has them, but it is quoted as a whole, or a preceding line "sep=" says otherwise.`,
    ];
  }
  if (separator !== undefined) {
    return [
      `The columns seem to be separated by "${visibleText(separator, 1)}": use commas, semicolons, tabs or vertical bars.`,
    ];
  }
  // Names rarely begin with a digit; numbers and dates do.
  const isData = columns.some((column) => /^[-+"']?[0-9]/.test(column));
  return isData ? ["The first line looks like data: a line with the columns' names must come first."] : [];
}

/** A name without the characters that are easily overlooked. Empty if it has neither letters nor digits. */
function reduced(name: string): string {
  return name
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '');
}

/** The form in which differently written names are equal. */
export function reducedName(name: string): string {
  return reduced(name) || name.trim();
}

/** A header among the rows: the file ends before it. */
export interface OtherHeader {
  columns: readonly string[];
  delimiter: CsvDialect['delimiter'];
}

/** Describes that line, and why the rows after it can't be sent. @param own the file's own header */
export function describeOtherHeader(other: OtherHeader, own: OtherHeader, line: number): string {
  const found = `Line ${line} is another header, ${differenceOf(other, own)}: ${quoteNames(other.columns)}.`;
  return `${found} The file was combined from several exports, and the records after this line cannot be read with the first header.`;
}

function differenceOf({ columns, delimiter }: OtherHeader, own: OtherHeader): string {
  if (delimiter !== own.delimiter) return `separated by ${delimiterNames[delimiter]}`;
  const inOrder = (names: readonly string[]) => names.map(reducedName).sort().join('\n');
  return inOrder(columns) === inOrder(own.columns) ? 'with its columns in another order' : 'with other columns';
}

function describeNear(found: string, wanted: string): string {
  const names = `"${visibleText(found, maxNameCharacters)}" instead of "${visibleText(wanted, maxNameCharacters)}"`;
  if (hasInvisible(found)) return `It has ${names}: remove the invisible characters.`;
  const isCase = found.toLowerCase() === wanted.toLowerCase();
  return `It has ${names}${isCase ? ': upper and lower case must match' : ': rename it'}.`;
}

/** One character that, used as the separator, would give the header all that it lacks. */
function otherSeparator(header: string, missing: readonly string[]): string | undefined {
  const candidates = new Set(header.slice(0, 4096).match(/[^\p{L}\p{N}"_]/gu) ?? []);
  return [...candidates].slice(0, 20).find((separator) => {
    const names = header.split(separator).map((name) => name.trim().replace(/^"(.*)"$/s, '$1'));
    return missing.every((name) => names.includes(name));
  });
}
