/** Why a file is stopped: it is taken for a wrong one, or a person has cancelled it. */
export interface Quarantine {
  /** The file's stops are numbered from 1. Absent in an item of an earlier version, which stopped a file only once. */
  number?: number;
  at: number;
  /** Absent: `too_many_rejects`. */
  code?:
    | 'too_many_rejects'
    | 'all_refused'
    | 'control_differs'
    | 'control_missing'
    | 'revision_unknown'
    | 'revision_order'
    | 'revision_differs'
    | 'newer_revision'
    | 'rules_changed'
    | 'cancelled';
  /** Rejected records (or refused ones, by `code`), out of the number that had ended. */
  rejected: number;
  seen: number;
  message: string;
  /** A person has cancelled a revision that was to be held: with a release, it takes over from the earlier ones first. */
  isRevision?: true;
}

/** A release, and the number of the stop that it answers. */
export interface Release {
  at: number;
  by: string;
  why: string;
  /** Absent in an item of an earlier version: 1. */
  stop?: number;
  sends?: ReleasedRecords;
}

/** What a release sends of a revision: what changed since the earlier one, or every record. */
export type ReleasedRecords = 'changes' | 'all';

/** The newest of each. */
export interface Stopped {
  quarantine?: Quarantine;
  release?: Release;
}

/**
 * How often a file was stopped, and which of its stops was released last. They are equal while it is sent, and a manifest
 * is about one pair of them.
 */
export interface Stops {
  stop: number;
  released: number;
}

export const noStops: Stops = { stop: 0, released: 0 };

export function stopsOf({ quarantine, release }: Stopped): Stops {
  return { stop: quarantine ? (quarantine.number ?? 1) : 0, released: release ? (release.stop ?? 1) : 0 };
}

interface Decided {
  /** Milliseconds since 1970. */
  at: number;
  by: string;
  why: string;
}

/** A person's decision about a whole file, as its account keeps it. */
export type FileDecision = StopDecision | WithoutDecision;

export interface StopDecision extends Decided {
  kind: 'cancel' | 'release';
  /** The number of the stop that it makes, or that it answers. */
  stop: number;
  sends?: ReleasedRecords;
}

/** A revision goes on without an earlier one that does not close by itself: in the accounts of both. */
export interface WithoutDecision extends Decided {
  kind: 'without';
  /** Their file ids. */
  newer: string;
  earlier: string;
}

/** Its unsent records are held until a person releases it. */
export function isQuarantined(file: Stopped): boolean {
  const { stop, released } = stopsOf(file);
  return stop > released;
}

/** A newer revision has stopped it, for good: it ends as `superseded`. */
export function isOutrun(file: Stopped): boolean {
  return isQuarantined(file) && file.quarantine?.code === 'newer_revision';
}

/** A person has released it: its held records are owed. */
export function isReleased(file: Stopped): boolean {
  return file.release !== undefined && !isQuarantined(file);
}
