import type { Buffer } from 'node:buffer';
import type { Problem } from '../problem.ts';
import { splitFields } from './csv-fields.ts';
import { decodeText, trimForMessage } from './decode-text.ts';
import type { CsvDialect, Dialect } from './dialect.ts';
import { parseExactly } from './exact-numbers.ts';
import { findJsonError } from './json-error.ts';
import { numberLiterals } from './number-literals.ts';

export type ParsedRecord = { kind: 'row'; row: Record<string, unknown> } | { kind: 'problem'; problem: Problem };

/** One record's bytes to its fields by the source's names, or what is wrong with it. Depends on these bytes and the dialect alone. */
export function parseRecord(
  bytes: Buffer,
  dialect: Dialect,
  integerFields: readonly string[],
  exactNumbers = false,
): ParsedRecord {
  // A member of a bundle is a whole file, with the mark that it may begin with.
  const text = decodeText(dialect.format === 'bundle' ? withoutMark(bytes) : bytes, dialect.encoding);
  if (text === null) return problem('invalid_encoding', `record is not valid ${dialect.encoding.toUpperCase()}`);
  return dialect.format === 'csv' ? parseRow(text, dialect) : parseObject(text, integerFields, exactNumbers);
}

function withoutMark(bytes: Buffer): Buffer {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
}

function parseRow(text: string, dialect: CsvDialect): ParsedRecord {
  const { columns } = dialect;
  const split = splitFields(text, dialect.delimiter);
  if (split.kind === 'problem') return split;
  const { fields } = split;
  if (fields.length !== columns.length) {
    return problem('field_count', `record has ${fields.length} fields, the header has ${columns.length}`);
  }
  // No prototype: a column may be called `__proto__` or `constructor`.
  const row = Object.create(null) as Record<string, unknown>;
  for (let n = 0; n < columns.length; n++) row[columns[n] ?? ''] = fields[n];
  return { kind: 'row', row };
}

function parseObject(text: string, integerFields: readonly string[], exactNumbers: boolean): ParsedRecord {
  let value: unknown;
  try {
    value = exactNumbers ? parseExactly(text) : JSON.parse(text);
  } catch {
    // The engine's own message quotes the payload, which has no place in a log.
    return problem('not_json', `record is not JSON: ${findJsonError(text)}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return problem('not_an_object', `record is JSON, but ${nameOf(value)} instead of an object`);
  }
  const row = value as Record<string, unknown>;
  if (!integerFields.some((field) => typeof row[field] === 'number')) return { kind: 'row', row };
  for (const [field, literal] of numberLiterals(text, integerFields)) {
    if (/^-?[0-9]+$/.test(literal)) continue;
    const message = `${field} must be a plain integer; it is written as ${trimForMessage(literal)}`;
    return { kind: 'problem', problem: { reason: 'not_an_integer', field, message } };
  }
  return { kind: 'row', row };
}

function nameOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'an array' : `a ${typeof value}`;
}

function problem(reason: Problem['reason'], message: string): ParsedRecord {
  return { kind: 'problem', problem: { reason, field: null, message } };
}
