import { isUtf8 } from 'node:buffer';
import type { Problem } from '../problem.ts';
import type { CsvDialect, Dialect } from './dialect.ts';
import { parseCsvFields } from './parse-csv-fields.ts';

export type ParsedRecord = { kind: 'row'; row: Record<string, unknown> } | { kind: 'problem'; problem: Problem };

/**
 * A record's fields by the source's names. Nothing is guessed or replaced: bytes that are not text in the file's
 * encoding are a problem, not replacement characters.
 */
export function parseRecord(bytes: Buffer, dialect: Dialect, integerFields: readonly string[]): ParsedRecord {
  const text = decode(bytes, dialect);
  if (text === undefined) return problem('invalid_encoding', null, `record is not valid ${dialect.encoding}`);
  return dialect.format === 'csv' ? parseCsvRow(text, dialect) : parseJsonObject(text, integerFields);
}

const windows1252 = new TextDecoder('windows-1252');

function decode(bytes: Buffer, dialect: Dialect): string | undefined {
  if (dialect.encoding === 'windows-1252') return windows1252.decode(bytes);
  return isUtf8(bytes) ? bytes.toString('utf8') : undefined;
}

function parseCsvRow(text: string, dialect: CsvDialect): ParsedRecord {
  const { columns } = dialect;
  const fields = parseCsvFields(text, dialect.delimiter);
  if (fields.length !== columns.length) {
    const few = fields.length < columns.length ? 'fewer' : 'more';
    return problem('field_count', null, `row has ${fields.length} fields, ${few} than the header's ${columns.length}`);
  }
  // Without a prototype: a column may be called `__proto__`.
  const row = Object.create(null) as Record<string, unknown>;
  for (let index = 0; index < columns.length; index++) row[columns[index] as string] = fields[index];
  return { kind: 'row', row };
}

function parseJsonObject(text: string, integerFields: readonly string[]): ParsedRecord {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return problem('not_json', null, `record is not JSON${placeOf(error)}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const what = value === null ? 'null' : Array.isArray(value) ? 'an array' : `a ${typeof value}`;
    return problem('not_an_object', null, `record is ${what}, not a JSON object`);
  }
  const row = value as Record<string, unknown>;
  const field = integerFields.find((name) => typeof row[name] === 'number' && !isWrittenAsInteger(text, name));
  if (field !== undefined) {
    return problem('not_an_integer', field, `${field} is not written as a whole number`);
  }
  return { kind: 'row', row };
}

/** JSON.parse takes `30.0` and `3e1` for 30: only the source's text tells. */
function isWrittenAsInteger(text: string, field: string): boolean {
  let literal = '';
  // The outermost object's fields come last of that name, when the holder is the whole value.
  JSON.parse(text, function (this: unknown, key: string, value: unknown, context?: { source?: string }) {
    if (key === field && typeof value === 'number') literal = context?.source ?? '';
    return value;
  } as (this: unknown, key: string, value: unknown) => unknown);
  return /^-?\d+$/.test(literal);
}

/** Where parsing stopped, without a word of the payload: V8's sentence quotes it. */
function placeOf(error: unknown): string {
  const at = error instanceof Error ? /at position (\d+)/.exec(error.message) : null;
  return at ? ` (position ${at[1]})` : '';
}

function problem(reason: Problem['reason'], field: string | null, message: string): ParsedRecord {
  return { kind: 'problem', problem: { reason, field, message } };
}
