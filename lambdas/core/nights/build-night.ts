import type { FeedDeadline } from '../deadlines/feed-deadline.ts';
import { isoTime } from '../iso-time.ts';
import type { EarlierFile, NightCounts, NightEntry, NightExpectation, NightFile } from './night-entry.ts';
import { isUnfinished, nightCountNames, nightVersion } from './night-entry.ts';

/** What a finalizer found for one entry. Times are milliseconds since 1970. */
export interface NightFacts {
  number: number;
  previousSha256: string | null;
  feed: string;
  from: number;
  to: number;
  written: number;
  continues: boolean;
  isComplete: boolean;
  deadline: FeedDeadline | undefined;
  /** In any order. */
  received: readonly NightFile[];
  earlier: readonly EarlierFile[];
  expectations: readonly NightExpectation[];
  openDeadLetters: NightEntry['open_dead_letters'];
  version: string;
  archive: NightEntry['archive'];
  signature: NightEntry['signature'];
}

/** A night's entry in the documented form. */
export function buildNight(facts: NightFacts): NightEntry {
  const received = [...facts.received].sort(byArrival);
  return {
    night_version: nightVersion,
    number: facts.number,
    previous_sha256: facts.previousSha256,
    tool: 'sluice',
    tool_version: facts.version,
    feed: facts.feed,
    from: isoTime(facts.from),
    to: isoTime(facts.to),
    written: isoTime(facts.written),
    continues: facts.continues,
    is_complete: facts.isComplete,
    deadline: facts.deadline ? deadlineOf(facts.deadline, received, facts) : null,
    files: filesOf(received),
    sums: sumsOf(received),
    expectations: [...facts.expectations],
    received,
    earlier: [...facts.earlier].sort((a, b) => a.entry - b.entry || byArrival(a, b)),
    open_dead_letters: facts.openDeadLetters,
    archive: facts.archive,
    signature: facts.signature,
  };
}

const byText = (a: string, b: string): number => (a < b ? -1 : Number(a > b));
const byArrival = (a: NightFile, b: NightFile): number =>
  byText(a.received, b.received) || byText(a.file_id, b.file_id);

function deadlineOf(
  { hour, minute, timeZone }: FeedDeadline,
  received: readonly NightFile[],
  { to, written }: Pick<NightFacts, 'to' | 'written'>,
): NightEntry['deadline'] {
  const twoDigits = (figure: number): string => String(figure).padStart(2, '0');
  const margin = marginOf(received, isoTime(to), isoTime(written));
  return {
    time: `${twoDigits(hour)}:${twoDigits(minute)}`,
    time_zone: timeZone,
    met: margin === null ? null : margin >= 0,
    margin_seconds: margin,
  };
}

/** From the end of the last file; one that is unfinished has not ended when the entry is written. Null without files. */
export function marginOf(received: readonly NightFile[], to: string, written: string): number | null {
  if (received.length === 0) return null;
  const last = received.reduce((latest, { finished }) => Math.max(latest, Date.parse(finished ?? written)), 0);
  // A whole second less if it was missed by part of one. By a clock that is ahead, it may be written before its end.
  const margin = Math.floor((Date.parse(to) - last) / 1000);
  return received.some(isUnfinished) ? Math.min(margin, -1) : margin;
}

export function filesOf(received: readonly NightFile[]): NightEntry['files'] {
  const inState = (state: NightFile['state']): number => received.filter((file) => file.state === state).length;
  return {
    received: received.length,
    completed: inState('completed'),
    duplicate: inState('duplicate'),
    failed: inState('failed'),
    superseded: inState('superseded'),
    quarantined: inState('quarantined'),
    unfinished: received.filter(isUnfinished).length,
    bundled: received.reduce((sum, file) => sum + (file.bundled_files ?? 0), 0),
  };
}

export function sumsOf(received: readonly NightFile[]): NightCounts {
  const sumOf = (name: (typeof nightCountNames)[number]): number =>
    received.reduce((sum, { counts }) => sum + (counts?.[name] ?? 0), 0);
  return Object.fromEntries(nightCountNames.map((name) => [name, sumOf(name)])) as NightCounts;
}
