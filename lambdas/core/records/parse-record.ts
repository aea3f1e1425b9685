import type { Buffer } from 'node:buffer';
import type { Problem } from './problem.ts';
import { splitFields, withoutSurplus } from './csv-fields.ts';
import { decodeText, trimForMessage } from './decode-text.ts';
import type { CsvDialect, Dialect } from './dialect.ts';
import { numberLiterals, parseExactly } from './exact-numbers.ts';
import { headerRowOf } from './header-row.ts';
import { findJsonError } from './json-error.ts';
import { maxNesting } from './json-nesting.ts';
import { countNames, findDuplicateName, surveyJson } from './json-survey.ts';
import { strayCharacterIn, strayCharacterInJson } from './stray-character.ts';
import { totalsProblem } from './totals-row.ts';

export type ParsedRecord = { kind: 'row'; row: Record<string, unknown> } | { kind: 'problem'; problem: Problem };

export interface ParseOptions {
  /** Fields whose JSON numbers must be written as plain integers. */
  integerFields?: readonly string[];
  /** Numbers that a double can't hold are kept as written (JSON). */
  exactNumbers?: boolean;
  /** The record's first line in the file, from 1: only for messages. */
  line?: number;
}

/**
 * Parses one record's bytes into its fields by the source's names, or a problem. Depends only on these bytes and the
 * dialect.
 */
export function parseRecord(bytes: Buffer, dialect: Dialect, options: ParseOptions = {}): ParsedRecord {
  // A member of a bundle is a whole file, which may begin with a byte-order mark.
  const text = decodeText(dialect.format === 'bundle' ? withoutMark(bytes) : bytes, dialect.encoding);
  if (text === null) return problem('invalid_encoding', `record is not valid ${dialect.encoding.toUpperCase()}`);
  return dialect.format === 'csv' ? parseRow(text, dialect, options.line ?? 1) : parseObject(text, options);
}

function withoutMark(bytes: Buffer): Buffer {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
}

function parseRow(text: string, dialect: CsvDialect, line: number): ParsedRecord {
  const { columns } = dialect;
  const split = splitFields(text, dialect.delimiter, { columns, line });
  if (split.kind === 'problem') return split;
  const fields = withoutSurplus(split.fields, columns);
  if (fields.length !== columns.length) {
    const totals = totalsProblem(fields);
    if (totals) return { kind: 'problem', problem: totals };
    return problem('field_count', `record has ${split.fields.length} fields, the header has ${columns.length}`);
  }
  // Silently dropped, it could be the part that an unquoted delimiter cut off from the last named field.
  for (let n = columns.length - 1; columns[n] === ''; n--) {
    if (fields[n]?.trim() === '') continue;
    return problem('field_count', `record has a field ${n + 1}, for which the header has no name`);
  }
  if (isSameLetter(fields, columns, 0) && isSameLetter(fields, columns, 1) && headerRowOf(text, dialect)) {
    return problem('header_row', 'row repeats the header, with its names written differently');
  }
  const stray = strayCharacterIn(text);
  if (stray) {
    const field = columns[fields.findIndex((value) => value.includes(stray.character))] || null;
    const message = `${field ?? 'record'} has ${stray.name} in it`;
    return { kind: 'problem', problem: { reason: 'stray_character', field, message } };
  }
  // Without a prototype: a column may be named `__proto__` or `constructor`.
  const row = Object.create(null) as Record<string, unknown>;
  for (let n = 0; n < columns.length; n++) {
    const name = columns[n] ?? '';
    if (!dialect.ambiguousColumns?.includes(name)) row[name] = fields[n];
  }
  return { kind: 'row', row };
}

/** Compares first letters of a value and a column's name: a cheap check that excludes nearly every row. */
function isSameLetter(fields: readonly string[], columns: readonly string[], n: number): boolean {
  return fields[n]?.trimStart().charAt(0).toLowerCase() === columns[n]?.charAt(0).toLowerCase();
}

function parseObject(text: string, { integerFields = [], exactNumbers = false }: ParseOptions): ParsedRecord {
  const { depth, names } = surveyJson(text);
  // Before parsing: later code may traverse the value recursively.
  if (depth > maxNesting)
    return problem('too_deep', `record is nested ${depth} levels deep; the limit is ${maxNesting}`);
  let value: unknown;
  try {
    value = exactNumbers ? parseExactly(text) : JSON.parse(text);
  } catch {
    // The engine's own message quotes the payload, which must not be logged.
    return problem('not_json', `record is not JSON: ${findJsonError(text)}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return problem('not_an_object', `record is JSON, but ${nameOf(value)} instead of an object`);
  }
  if (countNames(value) !== names) return duplicateName(text);
  const stray = strayCharacterInJson(text);
  if (stray !== undefined) return problem('stray_character', `record has ${stray} in it`);
  const row = value as Record<string, unknown>;
  const numbers = integerFields.filter((field) => typeof row[field] === 'number');
  // Nearly every record: the text is not parsed a second time.
  if (depth <= 1 && numbers.every((field) => isPlainlyWritten(text, field, row[field]))) return { kind: 'row', row };
  for (const [field, literal] of numberLiterals(text, numbers)) {
    if (/^-?[0-9]+$/.test(literal)) continue;
    const message = `${field} must be a plain integer; it is written as ${trimForMessage(literal)}`;
    return { kind: 'problem', problem: { reason: 'not_an_integer', field, message } };
  }
  return { kind: 'row', row };
}

/**
 * Whether the field is certainly written as a plain integer.
 * @param text an object without objects in it: there, what looks like a field is one, since a string's quotes are escaped
 */
function isPlainlyWritten(text: string, field: string, value: unknown): boolean {
  const name = JSON.stringify(field);
  return [`${name}:${String(value)}`, `${name}: ${String(value)}`].some((written) => {
    const at = text.indexOf(written);
    if (at < 0 || text.charAt(at - 1) === '\\') return false;
    return /[,}\s]/.test(text.charAt(at + written.length)) && Number.isSafeInteger(value);
  });
}

/** JSON.parse silently takes the last of duplicate names; other readers take the first. */
function duplicateName(text: string): ParsedRecord {
  const duplicate = findDuplicateName(text);
  const name = duplicate ? ` "${trimForMessage(duplicate.name)}"` : '';
  const message = `record has an object with the name${name} more than once: it is unclear which of its values counts`;
  const field = duplicate?.isOutermost ? duplicate.name : null;
  return { kind: 'problem', problem: { reason: 'duplicate_name', field, message } };
}

function nameOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'an array' : `a ${typeof value}`;
}

function problem(reason: Problem['reason'], message: string): ParsedRecord {
  return { kind: 'problem', problem: { reason, field: null, message } };
}
