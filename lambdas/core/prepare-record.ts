import type { Feed } from '../../feeds/feed.ts';
import { requestIdOf, sha256Of } from './identity.ts';
import type { Problem, ProblemReason } from './problem.ts';
import { problemReasons } from './problem.ts';
import type { CutRecord } from './records/cut-slice.ts';
import type { Dialect } from './records/dialect.ts';
import { parseRecord } from './records/parse-record.ts';

/** A record on its way to the sink, or rejected. */
export interface PreparedRecord {
  record: number;
  line: number;
  offset: number;
  length: number;
  /** Of the bytes as they stand in the file, taken before anything is made of them. */
  sha256: string;
  bytes: Buffer;
  result:
    { kind: 'good'; requestId: string; payload: Record<string, unknown> } | { kind: 'rejected'; problem: Problem };
}

/** Hash, parse, validate, map: in this order, so that a record that can't be read still has its hash. */
export function prepareRecord(cut: CutRecord, feed: Feed, dialect: Dialect, fileSha256: string): PreparedRecord {
  const { record, line, offset, bytes } = cut;
  const place = { record, line, offset, length: bytes.length, sha256: sha256Of(bytes), bytes };
  if (cut.problem) return { ...place, result: { kind: 'rejected', problem: cut.problem } };
  const parsed = parseRecord(bytes, dialect, feed.integerFields);
  if (parsed.kind === 'problem') return { ...place, result: { kind: 'rejected', problem: parsed.problem } };
  const valid = feed.schema.safeParse(parsed.row);
  if (!valid.success)
    return { ...place, result: { kind: 'rejected', problem: problemOf(valid.error.issues, parsed.row) } };
  const requestId = requestIdOf(feed.identity(valid.data), fileSha256);
  return { ...place, result: { kind: 'good', requestId, payload: valid.data } };
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
