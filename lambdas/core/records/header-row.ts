import { splitFields, withoutSurplus } from './csv-fields.ts';
import { reducedName } from './describe-header.ts';
import type { CsvDialect } from './dialect.ts';

/** What a row is that has a header's names in it. */
export type HeaderRow =
  /** The file's own header, name by name. */
  | { kind: 'repeated' }
  /** The same names in the same places, written in another way: the rows behind it are read right. */
  | { kind: 'rewritten' }
  /** The rows behind it are not laid out as the file's header says. */
  | { kind: 'other'; columns: string[]; delimiter: CsvDialect['delimiter'] };

type Layout = Pick<CsvDialect, 'columns' | 'delimiter' | 'headerNames'>;

export const delimiters: readonly CsvDialect['delimiter'][] = [',', ';', '\t', '|'];

/**
 * Whether a row is a header. Exports that were put together bring one each. Any row that has more than half of the names
 * by which a header is recognised is one, however it is delimited and quoted.
 */
export function headerRowOf(text: string, layout: Layout): HeaderRow | undefined {
  const { columns, delimiter, headerNames } = layout;
  const fields = fieldsOf(text, delimiter);
  const own = withoutSurplus(fields, columns);
  if (own.length === columns.length && own.every((field, n) => field === columns[n])) return { kind: 'repeated' };
  if (headerNames === undefined) return undefined;
  const other = readings(text, delimiter).find((found) => isHeader(found.columns, headerNames));
  if (!other) return undefined;
  const isOwn = other.delimiter === delimiter && (isSameOrder(own, columns) || isGlued(fields, columns));
  return isOwn ? { kind: 'rewritten' } : { kind: 'other', ...other };
}

/**
 * The names by which a header is recognised among rows: those that the feed needs. Where that is one, it may be a value
 * as well: then all of the file's columns. Undefined where these are too few, too.
 */
export function headerNamesOf(wished: readonly string[], columns: readonly string[]): readonly string[] | undefined {
  const names = wished.length >= 2 ? wished : columns.filter((name) => name !== '');
  return new Set(names.map(reducedName)).size >= 2 ? names : undefined;
}

/** Under each delimiter, the file's own first; a row that is quoted as a whole also by what is in its quotes. */
function* readings(text: string, own: CsvDialect['delimiter']): Generator<Omit<HeaderRow & { kind: 'other' }, 'kind'>> {
  for (const delimiter of [own, ...delimiters]) {
    const columns = fieldsOf(text, delimiter);
    yield { columns, delimiter };
    if (columns.length === 1 && columns[0] !== text)
      yield { columns: fieldsOf(columns[0] ?? '', delimiter), delimiter };
  }
}

/** A row whose quotes are broken is no data, and may still be a header behind a row without a line break. */
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

/** A row without a line break, and behind it the header: what was put together had no last line break. */
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
