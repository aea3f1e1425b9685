import { clockText, durationText, momentText } from '../deadlines/deadline-text.ts';
import { plainText } from '../plain-text.ts';
import type { ExpectedHistory } from './expected-note.ts';
import type { ExpectedVerdict, FoundFile, Obstacle } from './judge-expected.ts';

const maxKeyCharacters = 200;

/** What is the matter with a file that does not count, after its name. */
export const obstacleTexts: Record<Exclude<Obstacle, 'too_few'>, string> = {
  failed: 'failed',
  duplicate: 'has the same bytes as an earlier file',
  superseded: 'was replaced',
  quarantined: 'is stopped',
  cancelled: 'was cancelled',
};

/**
 * `WABC: expected by 02:00 (in 40 min), not here yet`, `WABC: here since 02:12, late by 12 min`.
 * @param progress of a file that is in progress, such as `uploading, done about 03:40`
 */
export function expectedText(
  { due, state, file, lateBySeconds, stoppedRevision }: ExpectedVerdict,
  { zone, now, progress }: { zone: string; now: number; progress?: string | undefined },
): string {
  const expected = `${due.name}: expected by ${momentText(due.dueAt, zone, now)}`;
  switch (state) {
    case 'not_due':
    case 'missing':
      return `${expected}, not here yet${file ? `: ${foundText(file)}` : ''}`;
    case 'too_few':
      return `${expected}, here with ${count(file?.records ?? 0)} of at least ${count(due.records)} records`;
    case 'met':
    case 'late': {
      const since = file ? ` since ${clockText(file.at, zone, now)}` : '';
      const late = state === 'late' ? `, late by ${durationText(lateBySeconds ?? 0)}` : '';
      const by = `expected by ${clockText(due.dueAt, zone, now)}`;
      const stopped = stoppedRevision === undefined ? '' : `; its newer revision ${stoppedRevision} is stopped`;
      return `${due.name}: here${since}${late} (${by})${progress === undefined ? '' : `, ${progress}`}${stopped}`;
    }
  }
}

function foundText({ key, obstacle, records }: FoundFile): string {
  const name = plainText(key, maxKeyCharacters);
  if (obstacle === undefined) return `${name} is here`;
  return obstacle === 'too_few'
    ? `${name} has only ${count(records ?? 0)} records`
    : `${name} ${obstacleTexts[obstacle]}`;
}

/** `late twice and missing once in the 30 nights before`; undefined if none is known. */
export function historyText({ nights, late, missed }: ExpectedHistory): string | undefined {
  if (nights === 0) return undefined;
  const parts = [...(late > 0 ? [`late ${times(late)}`] : []), ...(missed > 0 ? [`missing ${times(missed)}`] : [])];
  const before = nights === 1 ? 'the night before' : `the ${count(nights)} nights before`;
  return `${parts.length === 0 ? 'in time' : parts.join(' and ')} in ${before}`;
}

const times = (number: number): string => ['', 'once', 'twice'][number] ?? `${number} times`;
const count = (number: number): string => number.toLocaleString('en-US');
