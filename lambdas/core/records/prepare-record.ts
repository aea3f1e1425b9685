import type { Feed } from '../../../feeds/feed.ts';
import { isNoValue } from '../../../feeds/feed.ts';
import type { RequestIdSuffix } from './identity.ts';
import { requestIdOf, sha256Of, suffixFor } from './identity.ts';
import type { Problem, ProblemReason } from './problem.ts';
import { problemReasons } from './problem.ts';
import type { MemberSource } from './bundle.ts';
import type { CutRecord } from './cut-slice.ts';
import type { Dialect } from './dialect.ts';
import { parseRecord } from './parse-record.ts';
import { totalsProblem } from './totals-row.ts';

export interface GoodRecord {
  kind: 'good';
  requestId: string;
  /** The values of the feed's identity fields. */
  identity: readonly string[];
  payload: Record<string, unknown>;
  /** The payload as JSON: it is sent so. */
  json: string;
}

/** A record on its way to the sink, or rejected. */
export interface PreparedRecord {
  record: number;
  line: number;
  offset: number;
  length: number;
  /** SHA-256 of the record's bytes in the file, computed before anything else. */
  sha256: string;
  bytes: Buffer;
  /** The object that it came from, if it is a member of a bundle. */
  source?: MemberSource;
  /** The id by which people know the record, if the feed declares one. */
  correlationId?: string;
  /** Warnings about a good record that a person should check. */
  warnings?: readonly string[];
  result: GoodRecord | { kind: 'rejected'; problem: Problem };
}

/**
 * Hash, parse, validate, map: in this order, so that a record that can't be read still has its hash. Never throws: any
 * fault that one record causes costs only that record.
 * @param suffix of the file's request ids
 */
export function prepareRecord(cut: CutRecord, feed: Feed, dialect: Dialect, suffix: RequestIdSuffix): PreparedRecord {
  const { record, line, offset, bytes, source } = cut;
  const sha256 = sha256Of(bytes);
  const place = { record, line, offset, length: bytes.length, sha256, bytes, ...(source ? { source } : {}) };
  try {
    return { ...place, ...readRecord(cut, feed, dialect, suffixFor(sha256, dialect, suffix)) };
  } catch (error) {
    return { ...place, ...rejected(unreadable(error), undefined, feed) };
  }
}

function readRecord(
  { problem, bytes, line }: CutRecord,
  feed: Feed,
  dialect: Dialect,
  suffix: RequestIdSuffix,
): Pick<PreparedRecord, 'result' | 'correlationId' | 'warnings'> {
  if (problem) return rejected(problem, undefined, feed);
  const { integerFields, exactNumbers = false } = feed;
  const parsed = parseRecord(bytes, dialect, { integerFields, exactNumbers, line });
  if (parsed.kind === 'problem') return rejected(parsed.problem, undefined, feed);
  const { row } = parsed;
  const mapped = mapRow(row, feed);
  if (mapped.kind === 'problem') {
    const totals = dialect.format === 'csv' ? totalsProblem(dialect.columns.map((name) => row[name])) : undefined;
    return rejected(totals ?? mapped.problem, row, feed);
  }
  const { identity, payload, json, warnings } = mapped;
  return {
    ...correlated(row, feed),
    ...(warnings.length === 0 ? {} : { warnings }),
    result: { kind: 'good', requestId: requestIdOf(identity, ...suffix), identity, payload, json },
  };
}

export type MappedRow =
  | (Pick<GoodRecord, 'identity' | 'payload' | 'json'> & { kind: 'mapped'; warnings: readonly string[] })
  | { kind: 'problem'; problem: Problem };

/** Maps a source's row to the payload for the sink, or a problem: for records and for corrected rows. Never throws. */
export function mapRow(row: Record<string, unknown>, feed: Feed): MappedRow {
  try {
    const empty = feed.columns.find((name) => isNoValue(row[name]));
    if (empty !== undefined) {
      const message = `${empty} is ${String(row[empty])}, a database's mark for a value that is missing`;
      return { kind: 'problem', problem: { reason: 'missing', field: empty, message } };
    }
    const valid = feed.schema.safeParse(row);
    if (!valid.success) return { kind: 'problem', problem: problemOf(valid.error.issues, row) };
    const payload = valid.data;
    // Values that can't be serialized are found here, where they cost this record, not in the middle of sending a batch.
    const json = JSON.stringify(payload);
    const warnings = feed.warningsOf?.(payload) ?? [];
    return { kind: 'mapped', identity: feed.identity(payload), payload, json, warnings };
  } catch (error) {
    return { kind: 'problem', problem: unreadable(error) };
  }
}

/** The error's own message may quote the record, which must not be logged. */
function unreadable(error: unknown): Problem {
  const name = error instanceof Error ? error.name : typeof error;
  return { reason: 'unreadable', field: null, message: `record could not be read or mapped: it caused a ${name}` };
}

/** @param row undefined if the record could not be read */
export function rejected(
  problem: Problem,
  row: Record<string, unknown> | undefined,
  feed: Feed,
): Pick<PreparedRecord, 'result' | 'correlationId'> {
  const description = unlessItThrows(() => feed.describe?.(row));
  const described =
    description === undefined ? problem : { ...problem, message: `${problem.message} [${description}]` };
  return { ...correlated(row, feed), result: { kind: 'rejected', problem: described } };
}

function correlated(row: Record<string, unknown> | undefined, feed: Feed): Pick<PreparedRecord, 'correlationId'> {
  const correlationId = unlessItThrows(() => feed.correlationId?.(row));
  return correlationId === undefined ? {} : { correlationId };
}

/** A description of a record must not decide about the record. */
function unlessItThrows(describe: () => string | undefined): string | undefined {
  try {
    return describe();
  } catch {
    return undefined;
  }
}

interface Issue {
  code: string;
  path: PropertyKey[];
  message: string;
  params?: Record<string, unknown>;
}

/** A schema may report issues for thousands of a record's fields. */
const maxNamedIssues = 20;

/** The first issue, as the desk should read it, and the number of others. */
function problemOf(issues: readonly unknown[], row: Record<string, unknown>): Problem {
  const [first, ...others] = issues as [Issue, ...Issue[]];
  const field = first.path.length > 0 ? first.path.map(String).join('.') : null;
  const named = others.slice(0, maxNamedIssues).map((issue) => issue.path.map(String).join('.'));
  const dots = others.length > named.length ? ', …' : '';
  const more = others.length === 0 ? '' : ` (and ${others.length} more: ${named.join(', ')}${dots})`;
  return { reason: reasonOf(first, row), field, message: `${field ?? 'record'} ${first.message}${more}` };
}

function reasonOf(issue: Issue, row: Record<string, unknown>): ProblemReason {
  const given = issue.params?.['reason'];
  if (problemReasons.includes(given as ProblemReason)) return given as ProblemReason;
  const [field] = issue.path;
  if (typeof field === 'string' && issue.path.length === 1 && row[field] === undefined) return 'missing';
  return issue.code === 'invalid_type' || issue.code === 'invalid_union' ? 'wrong_type' : 'invalid';
}
