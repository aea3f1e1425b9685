import * as z from 'zod';
import { unescapeCell } from '../dead-letters/spreadsheet-text.ts';
import { ContradictionError } from '../errors.ts';
import { splitFields } from '../records/csv-fields.ts';
import type { Dialect } from '../records/dialect.ts';
import { parseRecord } from '../records/parse-record.ts';
import { comparisonColumns, comparisonHeader, notListed } from './comparison-csv.ts';

const numberOrNull = z
  .string()
  .regex(/^[0-9]{0,10}$/)
  .transform((text) => (text === '' ? null : Number(text)));
const textOrNull = z.string().transform((text) => (text === '' ? null : text));
const values = z.array(z.string());

/** A row of the list of what a revision changes. In the last row, `not listed`, only `note` has a value. */
const listedChange = z.object({
  change: z.enum(['new', 'changed', 'removed', notListed]),
  earlier_file: textOrNull,
  earlier_record: numberOrNull,
  record: numberOrNull,
  identity: textOrNull.transform((text) => (text === null ? null : values.parse(JSON.parse(text)))),
  before: textOrNull,
  after: textOrNull,
  note: z.string(),
});
export type ListedChange = z.infer<typeof listedChange>;

/** Longer than any row: eight cells of 32,000 characters, each with quotes around it and doubled in it. */
const maxRowCharacters = 1024 * 1024;

/**
 * Reads the list of what a revision changes, row by row.
 * @throws ContradictionError if the bytes are not such a list
 */
export async function* readComparison(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<ListedChange> {
  let isHeader = true;
  for await (const row of rowsOf(chunks)) {
    if (!isHeader) yield changeOf(row);
    else if (`${row}\r\n` !== comparisonHeader) throw notAList('Its header is another one.');
    isHeader = false;
  }
  if (isHeader) throw notAList('It is empty.');
}

/** Rows without their line breaks: a cell may have some too. */
async function* rowsOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let row = '';
  let isQuoted = false;
  let rest = '';
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\r\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      row += isQuoted ? `\r\n${line}` : line;
      if ((line.split('"').length - 1) % 2 === 1) isQuoted = !isQuoted;
      if (row.length + rest.length > maxRowCharacters) throw notAList('A row is too long.');
      if (isQuoted) continue;
      yield row;
      row = '';
    }
    if (rest.length > maxRowCharacters) throw notAList('A row is too long.');
  }
  if (rest !== '' || isQuoted) throw notAList('Its last row has no end.');
}

function changeOf(row: string): ListedChange {
  const split = splitFields(row, ',');
  if (split.kind === 'problem' || split.fields.length !== comparisonColumns.length)
    throw notAList('A row has other cells.');
  const cells = split.fields.map((cell) => unescapeCell(cell));
  try {
    return listedChange.parse(Object.fromEntries(comparisonColumns.map((name, index) => [name, cells[index]])));
  } catch (error) {
    throw notAList('A cell has another form.', error);
  }
}

const notAList = (why: string, cause?: unknown): ContradictionError =>
  new ContradictionError(`This is not a list of what a revision changes. ${why}`, { cause });

/** A field's value in the two files; null if the record does not have it. */
export interface ChangedField {
  name: string;
  before: string | null;
  after: string | null;
}

/**
 * The fields in which a changed record differs, by the columns of the newer file. Undefined if a text can't be read with
 * them: it is cut, or the earlier file has other columns.
 */
export function changedFields({ before, after }: Pick<ListedChange, 'before' | 'after'>, dialect: Dialect | undefined) {
  const [earlier, own] = [fieldsOf(before, dialect), fieldsOf(after, dialect)];
  if (!earlier || !own) return undefined;
  const names = new Set([...Object.keys(earlier), ...Object.keys(own)]);
  const textOf = (value: unknown): string | null =>
    value === undefined ? null : typeof value === 'string' ? value : JSON.stringify(value);
  return Array.from(names, (name): ChangedField => ({
    name,
    before: textOf(earlier[name]),
    after: textOf(own[name]),
  })).filter((field) => field.before !== field.after);
}

function fieldsOf(text: string | null, dialect: Dialect | undefined): Record<string, unknown> | undefined {
  if (text === null || !dialect) return undefined;
  const parsed = parseRecord(Buffer.from(text), { ...dialect, encoding: 'utf-8' });
  return parsed.kind === 'problem' ? undefined : parsed.row;
}
