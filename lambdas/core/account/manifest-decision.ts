import * as z from 'zod';
import type { Decision } from '../limiter/limit-policy.ts';
import type { DeadRecord } from './file-account.ts';
import type { FileDecision } from './stops.ts';
import { isoTime } from '../iso-time.ts';

const time = z.iso.datetime();

/**
 * A decision that concerns a file. `cancel`, `release` and `without` are about the file; `resolve` and `correct` about some of
 * its dead records; the others about its feed or API: those made while the file was open, and those that were in force before.
 */
export const manifestDecision = z.object({
  kind: z.enum([
    'cancel',
    'release',
    'without',
    'resolve',
    'correct',
    'pause',
    'resume',
    'limit',
    'reset',
    'expired',
    'calendar',
  ]),
  /** Of several equal decisions about records: the time of the last one. */
  at: time,
  /** Null for all decisions about records after the first `maxRecordDecisions` different ones. */
  by: z.string().nullable(),
  why: z.string().nullable(),
  /** `cancel`, `release`: the number of the stop that it makes or answers. */
  stop: z.int().positive().optional(),
  /** `release` of a revision: what it sends. */
  sends: z.enum(['changes', 'all']).optional(),
  /** `without`: the revision that goes on, and the earlier one of which nothing more is sent. */
  newer_file_id: z.string().optional(),
  earlier_file_id: z.string().optional(),
  /** `resolve`, `correct`: the number of records. */
  records: z.int().positive().optional(),
  /** Of a limit: requests per window before and after, and when it ends by itself. */
  from: z.int().positive().optional(),
  to: z.int().positive().optional(),
  window_seconds: z.number().positive().optional(),
  until: time.optional(),
});
export type ManifestDecision = z.infer<typeof manifestDecision>;

/** Different decisions about records that a manifest names; the resolutions have each. */
export const maxRecordDecisions = 1_000;

export const isAboutStop = ({ kind }: ManifestDecision): boolean => kind === 'cancel' || kind === 'release';
export const isAboutFile = (decision: ManifestDecision): boolean =>
  isAboutStop(decision) || decision.kind === 'without';
export const isAboutRecords = ({ kind }: ManifestDecision): boolean => kind === 'resolve' || kind === 'correct';

export function quoteFileDecision(decision: FileDecision): ManifestDecision {
  const { kind, by, why } = decision;
  const said = { kind, at: isoTime(decision.at), by, why };
  if (decision.kind === 'without') {
    return { ...said, newer_file_id: decision.newer, earlier_file_id: decision.earlier };
  }
  const { stop, sends } = decision;
  return { ...said, stop, ...(sends ? { sends } : {}) };
}

export function quoteFeedDecision({ kind, at, by, why, from, to, windowSeconds, until }: Decision): ManifestDecision {
  return {
    ...{ kind, at: isoTime(at), by, why: why ?? null },
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(windowSeconds === undefined ? {} : { window_seconds: windowSeconds }),
    ...(until === undefined ? {} : { until: isoTime(until) }),
  };
}

/** A person's decision about one record, as the archive's resolutions have it. */
export interface RecordDecision {
  kind: 'resolve' | 'correct';
  at: string;
  by: string;
  why: string | null;
}

/** Undefined for a record that succeeded without one: a redrive. */
export function recordDecisionOf(dead: DeadRecord): RecordDecision | undefined {
  const { correction } = dead;
  if (dead.resolution === 'handled') {
    return {
      kind: 'resolve',
      at: isoTime(dead.resolvedAt ?? 0),
      by: dead.resolvedBy ?? '',
      why: dead.resolvedWhy ?? null,
    };
  }
  if (dead.resolvedCorrectionId === undefined || !correction) return undefined;
  return { kind: 'correct', at: isoTime(correction.at), by: correction.by, why: correction.why ?? null };
}

/** Counts decisions about records by kind, person and reason, in order of first appearance. */
export class RecordDecisions {
  readonly #counted = new Map<string, ManifestDecision & { records: number }>();

  add({ kind, at, by, why }: RecordDecision): void {
    const own = JSON.stringify([kind, by, why]);
    const isOwn = this.#counted.has(own) || this.#counted.size < maxRecordDecisions;
    const key = isOwn ? own : kind;
    const before = this.#counted.get(key) ?? {
      kind,
      at,
      ...(isOwn ? { by, why } : { by: null, why: null }),
      records: 0,
    };
    this.#counted.set(key, { ...before, at: at > before.at ? at : before.at, records: before.records + 1 });
  }

  get counted(): ManifestDecision[] {
    return [...this.#counted.values()];
  }
}

/** The list of a manifest: by time, those of the same time in the given order. */
export function inOrder(decisions: readonly ManifestDecision[]): ManifestDecision[] {
  return [...decisions].sort((a, b) => (a.at < b.at ? -1 : Number(a.at > b.at)));
}
