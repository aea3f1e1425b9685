import type { Projection } from './projection.ts';

/** The part of a feed that misses one deadline, and the pace that would be needed. */
export interface Shortfall {
  deadlineAt: number;
  /** The files that are late for it, in the order of service. */
  files: Projection[];
  /** Their records that will not be sent by then. */
  missingRecords: number;
  /** Remaining records of all files that are sent until the last of them is done, other files included. */
  recordsToItsEnd: number | undefined;
  recordsPerSecond: number | undefined;
  /** Records to send per second from now on; undefined if no pace would be enough. */
  neededPerSecond: number | undefined;
  lateBySeconds: number;
}

/** A shortfall for each missed deadline, the earliest first. @param files of one feed */
export function shortfallsOf(files: readonly Projection[]): Shortfall[] {
  const late = files.filter((file) => (file.marginSeconds ?? 0) < 0);
  const deadlines = [...new Set(late.flatMap(({ deadlineAt }) => deadlineAt ?? []))].sort((a, b) => a - b);
  return deadlines.map((deadlineAt) =>
    shortfallOf(
      deadlineAt,
      late.filter((file) => file.deadlineAt === deadlineAt),
    ),
  );
}

function shortfallOf(deadlineAt: number, files: Projection[]): Shortfall {
  const last = files.at(-1);
  const { recordsToItsEnd, recordsPerSecond, startsAt = deadlineAt } = last ?? {};
  const seconds = Math.max(0, (deadlineAt - startsAt) / 1000);
  const sentByThen = (recordsPerSecond ?? 0) * seconds;
  const missing = files.map(({ remainingRecords = 0, recordsToItsEnd: toEnd = 0 }) =>
    Math.min(remainingRecords, Math.max(0, Math.ceil(toEnd - sentByThen))),
  );
  return {
    deadlineAt,
    files,
    missingRecords: missing.reduce((sum, records) => sum + records, 0),
    recordsToItsEnd,
    recordsPerSecond,
    neededPerSecond: recordsToItsEnd === undefined || seconds === 0 ? undefined : recordsToItsEnd / seconds,
    lateBySeconds: Math.max(...files.map(({ marginSeconds = 0 }) => -marginSeconds)),
  };
}
