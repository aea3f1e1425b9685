import { dayMs } from '../deadlines/feed-deadline.ts';
import type { DueFile, ExpectedFile } from './expected-files.ts';
import { dueBetween } from './expected-files.ts';
import type { ArrivedFile, ExpectedState, ExpectedVerdict } from './judge-expected.ts';
import { endOf, isMissed, judgeExpected } from './judge-expected.ts';

/** What the reconciler notes of a feed's expected files. Times are milliseconds since 1970. */
export interface ExpectedNote {
  /** In the order of the settings. */
  files: ExpectedEntry[];
}

export interface ExpectedEntry {
  /** As it is expected now. */
  file: ExpectedFile;
  /** When it was first known: nothing was expected before. */
  since: number;
  /** The days that were judged in the last month, the oldest first. */
  nights: ExpectedNight[];
}

/** How one day's expectation turned out. */
export interface ExpectedNight {
  /** `2026-11-29` */
  day: string;
  dueAt: number;
  state: Exclude<ExpectedState, 'not_due'>;
  /** The file that met it. */
  fileId?: string;
  lateBySeconds?: number;
  /** It is judged again: it may still come, or is being read. */
  isOpen?: true;
  /** What the desk was notified of. */
  told?: 'missing' | 'too_few';
  /** That message is about to be sent: if nothing is noted afterwards, it is unknown whether it was. */
  isBeingTold?: true;
}

/** A feed's expected files, judged. */
export interface ExpectedCheck {
  note: ExpectedNote;
  /** Missed, and the desk does not know it. */
  missed: ExpectedVerdict[];
  /** Here now, after the desk was notified that they were missed. */
  arrived: ExpectedVerdict[];
  /** Everything that is missed now. */
  open: number;
}

/** How long a missed file is looked for. Afterwards it counts as missing, whether or not it comes. */
export const lookedForMs = 3 * dayMs;

/** For how long it is remembered how often a file was late. */
const rememberedMs = 31 * dayMs;

/**
 * The entries of the settings, with what was noted of them: a new one counts from now, and what is not expected any more is
 * forgotten.
 */
function entriesOf(expected: readonly ExpectedFile[], note: ExpectedNote | undefined, now: number): ExpectedEntry[] {
  return expected.map((file) => {
    const known = note?.files.find((entry) => entry.file.name === file.name);
    const nights = known?.nights.filter(({ dueAt }) => dueAt > now - rememberedMs) ?? [];
    return { file, since: known?.since ?? now, nights };
  });
}

/** A day of an entry that is to be judged. */
interface OpenDay {
  due: DueFile;
  before?: ExpectedNight;
}

/**
 * The days that have no judgement yet, however long ago the last run was, and those whose judgement may change. A changed
 * time or key counts at once. A day that is over is not judged again by an earlier time.
 */
function openDays({ file, since, nights }: ExpectedEntry, now: number): OpenDay[] {
  const open = nights
    .filter(({ isOpen }) => isOpen)
    .flatMap((before) => {
      const due = dueOn(file, before);
      return due ? [{ due, before }] : [];
    });
  const last = nights.at(-1);
  const isFresh = ({ day, dueAt }: DueFile): boolean =>
    (last === undefined || day > last.day || (day === last.day && dueAt > last.dueAt)) &&
    !open.some(({ due }) => due.day === day);
  // With two days to spare: the zone may have been changed as well.
  const from = Math.max(since, (last?.dueAt ?? now - rememberedMs) - 2 * dayMs, now - rememberedMs);
  const fresh = dueBetween([file], from, now).filter((due) => endOf(due) <= now && isFresh(due));
  return [...open, ...fresh.map((due) => ({ due }))];
}

/** The day's expectation, by the settings of now; undefined if they have none for it. */
const dueOn = (file: ExpectedFile, { day, dueAt }: ExpectedNight): DueFile | undefined =>
  dueBetween([file], dueAt - 2 * dayMs, dueAt + 2 * dayMs).find((due) => due.day === day);

/** What has to be judged now: its files are to be read. */
export function duesToJudge(expected: readonly ExpectedFile[], note: ExpectedNote | undefined, now: number): DueFile[] {
  return entriesOf(expected, note, now).flatMap((entry) => openDays(entry, now).map(({ due }) => due));
}

/** @param files those that are meant by what is to be judged */
export function checkExpected(
  expected: readonly ExpectedFile[],
  note: ExpectedNote | undefined,
  files: readonly ArrivedFile[],
  now: number,
): ExpectedCheck {
  const check: ExpectedCheck = { note: { files: [] }, missed: [], arrived: [], open: 0 };
  for (const entry of entriesOf(expected, note, now)) {
    const judged = openDays(entry, now).map(({ due, before }) => nightOf(judgeExpected(due, files, now), before, now));
    for (const { verdict, night, before } of judged) {
      if (isMissed(night) && night.isOpen) check.open++;
      const isKnown = night.told === before?.told && !before?.isBeingTold;
      if (isMissed(night) && !isKnown) check.missed.push(verdict);
      if (!isMissed(night) && !night.isOpen && before?.told) check.arrived.push(verdict);
    }
    const others = entry.nights.filter(({ isOpen }) => !isOpen);
    const nights = [...others, ...judged.map(({ night }) => night)].sort((a, b) => a.dueAt - b.dueAt);
    check.note.files.push({ ...entry, nights });
  }
  return check;
}

/**
 * The note to keep while the messages are sent. If the run dies then, the next one sends them again, or, if the file is here
 * by then, the message about that.
 */
export function noteBeingTold({ note, missed }: Pick<ExpectedCheck, 'note' | 'missed'>): ExpectedNote {
  const isNews = (name: string, day: string) => missed.some(({ due }) => due.name === name && due.day === day);
  return {
    files: note.files.map((entry) => ({
      ...entry,
      nights: entry.nights.map((night) =>
        isNews(entry.file.name, night.day) && night.told ? { ...night, isBeingTold: true } : night,
      ),
    })),
  };
}

function nightOf(verdict: ExpectedVerdict, before: ExpectedNight | undefined, now: number) {
  const { due, file, lateBySeconds, isProvisional } = verdict;
  // If its time was put off since, it stays open until then.
  const state = verdict.state === 'not_due' ? 'missing' : verdict.state;
  const missed = state === 'missing' || state === 'too_few' ? state : undefined;
  const isLookedFor = now < Math.min(due.arrivesUntil, due.dueAt + lookedForMs);
  const told = missed ?? before?.told;
  const night: ExpectedNight = {
    ...{ day: due.day, dueAt: due.dueAt, state },
    ...(missed || !file ? {} : { fileId: file.fileId }),
    ...(lateBySeconds === undefined ? {} : { lateBySeconds }),
    ...((missed ?? isProvisional) && isLookedFor ? { isOpen: true } : {}),
    ...(told === undefined ? {} : { told }),
  };
  return { verdict, night, before };
}

/** How a file came in the nights before one, as far as it is remembered. */
export interface ExpectedHistory {
  nights: number;
  late: number;
  missed: number;
}

/** @param day of the night that is described: only those before it count */
export function historyBefore({ nights }: Pick<ExpectedEntry, 'nights'>, day: string): ExpectedHistory {
  const before = nights.filter((night) => night.day < day);
  const of = (...states: ExpectedState[]): number => before.filter(({ state }) => states.includes(state)).length;
  return { nights: before.length, late: of('late'), missed: of('missing', 'too_few') };
}

/** How far from now the nearest day is looked for: mostly it is near; at the furthest, it is one of the week. */
const nearMs = [1.5 * dayMs, 8 * dayMs];

/** What people look at now: the day whose time is nearest, and those that are missed and may still come. */
export function currentDues({ file, since, nights }: ExpectedEntry, now: number): DueFile[] {
  const missed = nights.filter(({ isOpen }) => isOpen).flatMap((night) => dueOn(file, night) ?? []);
  for (const reach of nearMs) {
    const near = dueBetween([file], Math.max(since, now - reach), now + reach);
    const [nearest] = near.sort((a, b) => Math.abs(a.dueAt - now) - Math.abs(b.dueAt - now));
    if (nearest) return missed.some(({ day }) => day === nearest.day) ? missed : [...missed, nearest];
  }
  return missed;
}
