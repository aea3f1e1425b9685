import type { Feed } from '../../feeds/feed.ts';
import { checksumFor, requestIdOf, sha256Of } from './identity.ts';
import type { Problem, ProblemReason } from './problem.ts';
import { problemReasons } from './problem.ts';
import type { MemberSource } from './records/bundle.ts';
import type { CutRecord } from './records/cut-slice.ts';
import type { Dialect } from './records/dialect.ts';
import { parseRecord } from './records/parse-record.ts';

export interface GoodRecord {
  kind: 'good';
  requestId: string;
  /** By the feed's fields: what makes it the same record. */
  identity: readonly string[];
  payload: Record<string, unknown>;
}

/** A record on its way to the sink, or rejected. */
export interface PreparedRecord {
  record: number;
  line: number;
  offset: number;
  length: number;
  /** Of the bytes as they stand in the file, taken before anything is made of them. */
  sha256: string;
  bytes: Buffer;
  /** The object that it was, where it is a member of a bundle. */
  source?: MemberSource;
  /** What people know it by, where the feed says so. */
  correlationId?: string;
  /** What a good one is still to be looked at for. */
  warnings?: readonly string[];
  result: GoodRecord | { kind: 'rejected'; problem: Problem };
}

/** Hash, parse, validate, map: in this order, so that a record that can't be read still has its hash. */
export function prepareRecord(cut: CutRecord, feed: Feed, dialect: Dialect, fileSha256: string): PreparedRecord {
  const { record, line, offset, bytes, source } = cut;
  const sha256 = sha256Of(bytes);
  const place = { record, line, offset, length: bytes.length, sha256, bytes, ...(source ? { source } : {}) };
  if (cut.problem) return { ...place, ...rejected(cut.problem, undefined, feed) };
  const parsed = parseRecord(bytes, dialect, feed.integerFields, feed.exactNumbers);
  if (parsed.kind === 'problem') return { ...place, ...rejected(parsed.problem, undefined, feed) };
  const valid = feed.schema.safeParse(parsed.row);
  if (!valid.success) return { ...place, ...rejected(problemOf(valid.error.issues, parsed.row), parsed.row, feed) };
  const payload = valid.data;
  const identity = feed.identity(payload);
  const warnings = feed.warningsOf?.(payload) ?? [];
  return {
    ...place,
    ...correlated(parsed.row, feed),
    ...(warnings.length === 0 ? {} : { warnings }),
    result: {
      kind: 'good',
      requestId: requestIdOf(identity, checksumFor(sha256, dialect, fileSha256)),
      identity,
      payload,
    },
  };
}

/** @param row undefined where the record could not be read */
export function rejected(
  problem: Problem,
  row: Record<string, unknown> | undefined,
  feed: Feed,
): Pick<PreparedRecord, 'result' | 'correlationId'> {
  const described = feed.describe ? { ...problem, message: `${problem.message} [${feed.describe(row)}]` } : problem;
  return { ...correlated(row, feed), result: { kind: 'rejected', problem: described } };
}

function correlated(row: Record<string, unknown> | undefined, feed: Feed): Pick<PreparedRecord, 'correlationId'> {
  return feed.correlationId ? { correlationId: feed.correlationId(row) } : {};
}

interface Issue {
  code: string;
  path: PropertyKey[];
  message: string;
  params?: Record<string, unknown>;
}

/** The first issue, as the desk should read it; how many more there are is said too. */
export function problemOf(issues: readonly unknown[], row: Record<string, unknown>): Problem {
  const [first, ...others] = issues as [Issue, ...Issue[]];
  const field = first.path.length > 0 ? first.path.map(String).join('.') : null;
  const more =
    others.length === 0
      ? ''
      : ` (and ${others.length} more: ${others.map((issue) => issue.path.map(String).join('.')).join(', ')})`;
  return { reason: reasonOf(first, row), field, message: `${field ?? 'record'} ${first.message}${more}` };
}

function reasonOf(issue: Issue, row: Record<string, unknown>): ProblemReason {
  const told = issue.params?.['reason'];
  if (problemReasons.includes(told as ProblemReason)) return told as ProblemReason;
  const [field] = issue.path;
  if (typeof field === 'string' && issue.path.length === 1 && row[field] === undefined) return 'missing';
  return issue.code === 'invalid_type' || issue.code === 'invalid_union' ? 'wrong_type' : 'invalid';
}
