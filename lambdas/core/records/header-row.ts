import { splitFields, withoutSurplus } from './csv-fields.ts';
import { reducedName } from './describe-header.ts';
import type { CsvDialect } from './dialect.ts';

/** The kind of a row that contains a header's names. */
export type HeaderRow =
  /** The file's own header, name by name. */
  | { kind: 'repeated' }
  /** The same names in the same positions, in another notation: the rows after it are read correctly. */
  | { kind: 'rewritten' }
  /** The rows after it are not laid out as the file's header says. */
  | { kind: 'other'; columns: string[]; delimiter: CsvDialect['delimiter'] };

type Layout = Pick<CsvDialect, 'columns' | 'delimiter' | 'headerNames'>;

export const delimiters: readonly CsvDialect['delimiter'][] = [',', ';', '\t', '|'];

/**
 * Whether a row is a header. Concatenated exports have one each. Any row with more than half of the names by which a
 * header is recognised is one, with any delimiter and quotes.
 */
export function headerRowOf(text: string, layout: Layout): HeaderRow | undefined {
  const { columns, delimiter, headerNames } = layout;
  const fields = fieldsOf(text, delimiter);
  const own = withoutSurplus(fields, columns);
  if (own.length === columns.length && own.every((field, n) => field === columns[n])) return { kind: 'repeated' };
  if (headerNames === undefined) return undefined;
  // If the row has as many fields as the header, its quoted fields are text, which may contain other delimiters.
  const isRow = own.length === columns.length && splitFields(text, delimiter).kind === 'fields';
  const bare = isRow ? text.replace(quotedText, '""') : text;
  const other = readings(text, bare, delimiter).find((found) => isHeader(found.columns, headerNames));
  if (!other) return undefined;
  const isOwn = other.delimiter === delimiter && (isSameOrder(own, columns) || isGlued(fields, columns));
  return isOwn ? { kind: 'rewritten' } : { kind: 'other', ...other };
}

/**
 * The names by which a header is recognised among rows: those that the feed needs. If there is only one, it may also be a
 * value: then all of the file's columns. Undefined if these are too few as well.
 */
export function headerNamesOf(wished: readonly string[], columns: readonly string[]): readonly string[] | undefined {
  const names = wished.length >= 2 ? wished : columns.filter((name) => name !== '');
  return new Set(names.map(reducedName)).size >= 2 ? names : undefined;
}

const quotedText = /"(?:[^"]|"")*"/g;

/**
 * With each delimiter, the file's own first; for a row that is quoted as a whole, also the text within its quotes.
 * @param bare the row for the other delimiters
 */
function* readings(
  text: string,
  bare: string,
  own: CsvDialect['delimiter'],
): Generator<Omit<HeaderRow & { kind: 'other' }, 'kind'>> {
  for (const delimiter of [own, ...delimiters.filter((each) => each !== own)]) {
    const columns = fieldsOf(delimiter === own ? text : bare, delimiter);
    yield { columns, delimiter };
    if (columns.length === 1 && columns[0] !== text)
      yield { columns: fieldsOf(columns[0] ?? '', delimiter), delimiter };
  }
}

/** A row with broken quotes is not data, but may still be a header after a row without a line break. */
function fieldsOf(text: string, delimiter: string): string[] {
  const split = splitFields(text, delimiter);
  const fields =
    split.kind === 'fields' ? split.fields : text.split(delimiter).map((field) => field.replaceAll('"', ''));
  return fields.map((field) => field.trim());
}

function isHeader(fields: readonly string[], headerNames: readonly string[]): boolean {
  const names = new Set(headerNames.map(reducedName));
  const found = new Set(fields.map(reducedName).filter((field) => names.has(field)));
  return 2 * found.size > names.size;
}

function isSameOrder(fields: readonly string[], columns: readonly string[]): boolean {
  return fields.length === columns.length && fields.every((field, n) => isSameName(field, columns[n] ?? ''));
}

/** A row without a line break, directly followed by the header: a concatenated file had no final line break. */
function isGlued(fields: readonly string[], columns: readonly string[]): boolean {
  const header = fields.slice(1 - columns.length);
  const before = fields.at(-columns.length) ?? '';
  return (
    fields.length >= 2 * columns.length - 1 &&
    reducedName(before).endsWith(reducedName(columns[0] ?? '')) &&
    header.every((field, n) => isSameName(field, columns[n + 1] ?? ''))
  );
}

const isSameName = (one: string, other: string): boolean => reducedName(one) === reducedName(other);
