import { variableName } from '../../../feeds/variable-name.ts';
import { durationText, zoneText } from '../deadlines/deadline-text.ts';
import { sluiceOf } from '../notices/mail-lines.ts';
import type { DueFile } from './expected-files.ts';
import type { ExpectedHistory } from './expected-note.ts';
import { expectedText, historyText } from './expected-text.ts';
import type { ExpectedVerdict } from './judge-expected.ts';

/** What the desk is notified of, and how it has been before. At least one verdict. */
export interface ExpectedNews {
  feed: string;
  stackName: string;
  verdicts: readonly ExpectedVerdict[];
  historyOf: (due: DueFile) => ExpectedHistory | undefined;
  now: number;
}

const maxSubject = 100;

/** Files that are not here by their time, or have too few records. */
export function missedMail(news: ExpectedNews): { subject: string; text: string } {
  const { feed, stackName, verdicts } = news;
  const [first] = verdicts;
  const isShort = verdicts.length === 1 && first?.state === 'too_few';
  const what = verdicts.length === 1 ? `${first?.due.name} ` : `${verdicts.length} expected files `;
  const how = isShort ? 'has too few records' : verdicts.length === 1 ? 'is not here in time' : 'are not here in time';
  const sluice = sluiceOf(stackName);
  return {
    subject: `Sluice ${feed}: ${what}${how}`.slice(0, maxSubject),
    text: [
      `Of the feed '${feed}':`,
      ...verdicts.map((verdict) => `- ${lineOf(verdict, news)}`),
      '',
      'What to do:',
      '- Ask the source whether its export ran, and under which name it was delivered.',
      `- Drop the file as soon as it is there:  ${sluice} drop FILE --feed ${feed}`,
      `- If a file is here and does not count, see its mail, or its account:  ${sluice} status FILE_ID`,
      `- If it is not expected any more: change ${variableName(feed, 'expected')}, or the stage's file, and deploy.`,
      'You are notified when it is here; it is looked for until three days after its time.',
      'The runbook: docs/operations.md, "A file is missing".',
      '',
    ].join('\n'),
  };
}

/** Files that are here after all. */
export function arrivedMail(news: ExpectedNews): { subject: string; text: string } {
  const { feed, stackName, verdicts } = news;
  const [first] = verdicts;
  const late = first?.lateBySeconds === undefined ? '' : `, late by ${durationText(first.lateBySeconds)}`;
  const what =
    verdicts.length === 1 ? `${first?.due.name} is here${late}` : `${verdicts.length} expected files are here`;
  return {
    subject: `Sluice ${feed}: ${what}`.slice(0, maxSubject),
    text: [
      `Of the feed '${feed}', not here in time, but now:`,
      ...verdicts.map((verdict) => `- ${lineOf(verdict, news)}`),
      '',
      `Their progress, and whether they will be done in time:  ${sluiceOf(stackName)} status`,
      '',
    ].join('\n'),
  };
}

function lineOf(verdict: ExpectedVerdict, { feed, historyOf, now }: ExpectedNews): string {
  const { due, file } = verdict;
  const history = historyOf(due);
  const before = history && historyText(history);
  return [
    expectedText(verdict, { zone: due.timeZone, now }),
    `times in ${zoneText(due.timeZone, now)}`,
    `key ${feed}/${due.key}, also in the express lane`,
    ...(file ? [`file ${file.fileId}`] : []),
    ...(before === undefined ? [] : [before]),
  ].join('; ');
}
