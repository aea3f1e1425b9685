import { durationText } from '../deadlines/deadline-text.ts';
import { nameOfFile } from '../account/file-account.ts';
import type { Verdict } from '../report/verdict.ts';
import { count, records } from '../report/verdict.ts';
import type { NightEntry, NightExpectation, NightFile } from './night-entry.ts';
import { isUnfinished } from './night-entry.ts';

/** Whether everything that was expected is there, and all that came is through: can the station go on air? */
export function verdictOfNight(entry: NightEntry): Verdict {
  const troubles = troublesOf(entry);
  const details = [...deadlineSentence(entry), ...sumSentence(entry), ...earlierSentence(entry)];
  if (troubles.length > 0) return { kind: 'bad', sentence: `Not ready: ${troubles.join('; ')}.`, details };
  const { sums, files, expectations } = entry;
  const late = expectations.filter(({ state }) => state === 'late').length;
  const blemishes = [
    ...(sums.dead_lettered_records > 0
      ? [
          `${records(sums.dead_lettered_records)} did not get through and ${needs(sums.dead_lettered_records)} attention`,
        ]
      : []),
    ...(sums.removed_records > 0
      ? [`${records(sums.removed_records)} must be removed from the schedule manually`]
      : []),
    ...(late > 0 ? [`${countOf(late, 'expected file')} came late`] : []),
    ...(entry.deadline?.met === false ? ['the deadline was missed'] : []),
  ];
  if (blemishes.length > 0)
    return { kind: 'look', sentence: `Ready with exceptions: ${blemishes.join('; ')}.`, details };
  if (files.received === 0 && expectations.length === 0) {
    return { kind: 'look', sentence: 'No file came in this night, and none was expected by its settings.', details };
  }
  const all = expectations.length > 0 ? 'everything expected arrived' : `${countOf(files.received, 'file')} came`;
  return { kind: 'good', sentence: `Ready: ${all}, and all of it is through.`, details };
}

/** For titles and lists. */
export const nightWords: Record<Verdict['kind'], string> = { good: 'ready', look: 'needs a look', bad: 'NOT READY' };

/** It is not here, or not as a whole. */
export const isMissed = ({ state }: Pick<NightExpectation, 'state'>): boolean =>
  state === 'missing' || state === 'too_few';

/** The file did not get through, or not as a whole. */
export const isTrouble = (file: NightFile): boolean =>
  isUnfinished(file) || file.state === 'failed' || file.state === 'quarantined' || file.counts?.total_records === 0;

function troublesOf({ expectations, received, earlier, is_complete: isComplete }: NightEntry): string[] {
  const missing = expectations.filter(({ state }) => state === 'missing');
  const short = expectations.filter(({ state }) => state === 'too_few');
  const named = (what: string, files: readonly NightFile[]): string[] => {
    const [first] = files;
    if (!first) return [];
    const name = nameOfFile(first.key.slice(first.key.lastIndexOf('/') + 1), first.bundled_files);
    return [files.length === 1 ? `${name} ${what}` : `${count(files.length)} files ${what}`];
  };
  const inState = (state: NightFile['state']): NightFile[] => received.filter((file) => file.state === state);
  return [
    ...(missing.length > 0 ? [`${missing.map(({ name }) => name).join(', ')} did not arrive`] : []),
    ...(short.length > 0 ? [`${short.map(({ name }) => name).join(', ')} came with too few records`] : []),
    ...named('failed, nothing was sent', inState('failed')),
    ...named('stopped, records are held', inState('quarantined')),
    ...named(
      'without any record',
      inState('completed').filter(({ counts }) => counts?.total_records === 0),
    ),
    ...named('not finished yet', received.filter(isUnfinished)),
    ...named('of an earlier night not finished yet', earlier.filter(isUnfinished)),
    ...(isComplete ? [] : ['the next entry has more files of this night']),
  ];
}

function deadlineSentence({ deadline, files }: NightEntry): string[] {
  if (!deadline) return [];
  const at = `${deadline.time} (${deadline.time_zone})`;
  const { met, margin_seconds: margin } = deadline;
  if (met === null || margin === null) return [`The deadline was ${at}.`];
  const span = durationText(Math.abs(margin));
  if (met) return [`The deadline, ${at}, was met ${span} before.`];
  return [`The deadline, ${at}, was MISSED by ${files.unfinished > 0 ? 'at least ' : ''}${span}.`];
}

function sumSentence({ files, sums }: NightEntry): string[] {
  if (files.received === 0) return [];
  const there = sums.uploaded_records + sums.duplicate_records + sums.unchanged_records;
  return [
    `${countOf(files.received, 'file')} received; ${count(there)} of ${records(sums.total_records)} are through.`,
  ];
}

function earlierSentence({ open_dead_letters: open, sums }: NightEntry): string[] {
  const older = open.records - sums.dead_lettered_records;
  return older > 0 ? [`${records(older)} of earlier nights still ${needs(older)} attention.`] : [];
}

const needs = (figure: number): string => (figure === 1 ? 'needs' : 'need');
const countOf = (figure: number, what: string): string => `${count(figure)} ${what}${figure === 1 ? '' : 's'}`;
