import { durationText } from '../deadlines/deadline-text.ts';
import { isWithoutRecords } from '../account/is-without-records.ts';
import { nameOfFile } from '../account/file-account.ts';
import type { Verdict } from '../report/verdict.ts';
import { count, records } from '../report/verdict.ts';
import type { NightEntry, NightExpectation, NightFile } from './night-entry.ts';
import { obstacleTexts } from './expected-text.ts';
import { isMissed } from './judge-expected.ts';
import { isInProgress, isUnfinished } from './night-entry.ts';

/** Whether everything that was expected is there, and all that came is through: can the station go on air? */
export function verdictOfNight(entry: NightEntry): Verdict {
  const troubles = troublesOf(entry);
  const details = [...deadlineSentence(entry), ...sumSentence(entry), ...earlierSentence(entry)];
  if (troubles.length > 0) return { kind: 'bad', sentence: `Not ready: ${troubles.join('; ')}.`, details };
  const blemishes = blemishesOf(entry);
  if (blemishes.length > 0)
    return { kind: 'attention', sentence: `Ready, but ${nightWords.attention}: ${blemishes.join('; ')}.`, details };
  const { files, expectations } = entry;
  if (files.completed === 0 && expectations.length === 0) {
    const what = files.received === 0 ? 'No file came in this night' : 'Nothing new came in this night, only old files';
    return { kind: 'attention', sentence: `${what}, and none was expected by its settings.`, details };
  }
  const all = expectations.length > 0 ? 'everything expected arrived' : `${countOf(files.received, 'file')} came`;
  return { kind: 'good', sentence: `Ready: ${all}, and all of it is through.`, details };
}

function blemishesOf({
  number,
  continues,
  sums,
  expectations,
  earlier,
  deadline,
  received,
  open_dead_letters: open,
}: NightEntry): string[] {
  const late = expectations.filter(({ state }) => state === 'late').length;
  const ended = (state: NightFile['state']): NightFile[] =>
    earlier.filter((file) => file.state === state && file.before.state !== state);
  return [
    ...(continues ? [`night ${number - 1} has other files of the same time, see it as well`] : []),
    ...(sums.dead_lettered_records > 0 ? [`${records(sums.dead_lettered_records)} did not get through`] : []),
    ...(sums.removed_records > 0
      ? [`${records(sums.removed_records)} must be removed from the schedule manually`]
      : []),
    // Of a file that came in another night, whose records are not in the sums.
    ...elsewhere(expectations, received).flatMap(({ name, file_id: id }) => {
      const letters = open.most.find((file) => file.file_id === id);
      return letters ? [`${records(letters.records)} of ${name} did not get through`] : [];
    }),
    ...named('of an earlier night failed', ended('failed')),
    ...named('of an earlier night stopped, records are held', ended('quarantined')),
    ...(late > 0 ? [`${countOf(late, 'expected file')} came late`] : []),
    ...(deadline?.met === false ? ['the deadline was missed'] : []),
  ];
}

/** For titles and lists. */
export const nightWords: Record<Verdict['kind'], string> = {
  good: 'ready',
  attention: 'needs attention',
  bad: 'NOT READY',
};

const expectedWords = { met: 'arrived', late: 'came late', missing: 'NOT HERE', too_few: 'TOO FEW RECORDS' } as const;

/** What became of an expected file, for tables and mails. */
export const wordOfExpected = (expected: NightExpectation): string =>
  `${expectedWords[expected.state]}${isInProgress(expected) ? ', NOT FINISHED' : ''}`;

/** The file did not get through, or not as a whole. */
export const isTrouble = (file: NightFile): boolean =>
  isUnfinished(file) || file.state === 'failed' || file.state === 'quarantined' || isEmpty(file);

const isEmpty = ({ counts }: NightFile): boolean => counts !== null && isWithoutRecords(counts);

function troublesOf({ expectations, received, earlier, is_complete: isComplete }: NightEntry): string[] {
  const missing = expectations.filter(
    ({ state, obstacle }) => state === 'missing' && obstacleText(obstacle) === undefined,
  );
  // It came, so that it is no use to ask its source for it.
  const uncounted = expectations.flatMap(({ state, name, obstacle }) => {
    const text = state === 'missing' ? obstacleText(obstacle) : undefined;
    return text === undefined ? [] : [`the file of ${name} ${text}`];
  });
  const short = expectations.filter(({ state }) => state === 'too_few');
  // It came after the night's end, and is received in the next entry.
  const unfinished = elsewhere(expectations, [...received, ...earlier]).filter(isInProgress);
  const inState = (state: NightFile['state']): NightFile[] => received.filter((file) => file.state === state);
  return [
    ...(missing.length > 0 ? [`${missing.map(({ name }) => name).join(', ')} did not arrive`] : []),
    ...uncounted,
    ...(short.length > 0 ? [`${short.map(({ name }) => name).join(', ')} came with too few records`] : []),
    ...named('failed, nothing was sent', inState('failed')),
    ...named('stopped, records are held', inState('quarantined')),
    ...named('without any record', inState('completed').filter(isEmpty)),
    ...named('not finished yet', received.filter(isUnfinished)),
    ...(unfinished.length > 0 ? [`${unfinished.map(({ name }) => name).join(', ')} not finished yet`] : []),
    ...named('of an earlier night not finished yet', earlier.filter(isUnfinished)),
    ...named('replaced, by a file that is not of this night', replacedElsewhere(received, earlier)),
    ...(isComplete ? [] : ['the next entry has more files of this night']),
  ];
}

const obstacleText = (obstacle: string | null): string | undefined =>
  Object.entries(obstacleTexts).find(([name]) => name === obstacle)?.[1];

function named(what: string, files: readonly NightFile[]): string[] {
  const [first] = files;
  if (!first) return [];
  const name = nameOfFile(first.key.slice(first.key.lastIndexOf('/') + 1), first.bundled_files);
  return [files.length === 1 ? `${name} ${what}` : `${count(files.length)} files ${what}`];
}

/** What was expected and is here, but is none of these files. */
function elsewhere(expectations: readonly NightExpectation[], files: readonly NightFile[]): NightExpectation[] {
  const ids = new Set(files.map(({ file_id: id }) => id));
  return expectations.filter((each) => !isMissed(each) && each.file_id !== null && !ids.has(each.file_id));
}

/** Nothing here says whether what replaced them is through. A revision that came after a newer one replaces nothing. */
function replacedElsewhere(received: readonly NightFile[], earlier: readonly NightFile[]): NightFile[] {
  const current = [...received, ...earlier].filter(({ state }) => state !== 'superseded');
  const known = new Set(current.flatMap(({ key, series }) => [key, ...(series === null ? [] : [series])]));
  return received.filter(
    ({ state, failure_code: code, key, series }) =>
      state === 'superseded' && code !== 'older_revision' && !known.has(key) && (series === null || !known.has(series)),
  );
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
  const came = `${countOf(files.received, 'file')} received`;
  if (files.unfinished === files.received) return [`${came}, none finished.`];
  const there = sums.uploaded_records + sums.duplicate_records + sums.unchanged_records;
  const finished = files.unfinished > 0 ? `; of the ${count(files.received - files.unfinished)} finished,` : ';';
  return [`${came}${finished} ${count(there)} of ${records(sums.total_records)} are through.`];
}

function earlierSentence({ open_dead_letters: open, sums }: NightEntry): string[] {
  const older = open.records - sums.dead_lettered_records;
  return older > 0 ? [`${records(older)} of earlier nights still ${needs(older)} attention.`] : [];
}

const needs = (figure: number): string => (figure === 1 ? 'needs' : 'need');
const countOf = (figure: number, what: string): string => `${count(figure)} ${what}${figure === 1 ? '' : 's'}`;
