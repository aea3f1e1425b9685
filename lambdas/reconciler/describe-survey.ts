import { plainText } from '../core/plain-text.ts';
import type { FailedTask } from './inspect-dlqs.ts';
import type { FileSurvey, Survey } from './survey-dead.ts';

/** The list has them all. */
const maxReasons = 8;
const maxNameCharacters = 300;
const maxWork = 20;
const maxExampleCharacters = 160;

export interface DeskNews {
  feed: string;
  stackName: string;
  survey: Survey;
  work: readonly FailedTask[];
  /** Records that needed somebody when the desk was told last. */
  before: number | undefined;
  archiveBucket: string;
  csvKey: string | null;
}

/** A message's subject and text, for people who have to do something about it. */
export function describeSurvey(news: DeskNews): { subject: string; text: string } {
  const { feed, survey, work, csvKey } = news;
  const parts = [
    survey.count > 0 ? `${counted(survey.count, 'record')} to look at` : undefined,
    work.length > 0 ? `${counted(work.length, 'message')} stuck` : undefined,
  ].filter((part) => part !== undefined);
  const subject = `Sluice ${feed}: ${parts.length > 0 ? parts.join(', ') : 'nothing left to do'}`;
  const sections = [
    headline(news),
    // The newest first: of what has been open for long they have been told.
    ...survey.newest.map(fileSection),
    survey.fileCount > survey.newest.length
      ? `… and ${counted(survey.fileCount - survey.newest.length, 'file')} more.`
      : '',
    csvKey === null ? '' : listSection(news, csvKey),
    workSection(work),
    survey.count > 0 ? whatToDo(news) : '',
  ];
  return { subject, text: `${sections.filter((section) => section !== '').join('\n\n')}\n` };
}

function headline({ feed, survey, before }: DeskNews): string {
  if (survey.count === 0) return `Every record of the feed '${feed}' has come to rest: no dead letter is open.`;
  const files = counted(survey.fileCount, 'file');
  const change =
    before === undefined || before === survey.count
      ? ''
      : survey.count > before
        ? ` (${counted(survey.count - before, 'record')} more than when you were told last)`
        : ` (${counted(before - survey.count, 'record')} fewer than when you were told last)`;
  return (
    `${counted(survey.count, 'record')} of ${files} of the feed '${feed}' did not get through and ` +
    `${survey.count === 1 ? 'needs' : 'need'} somebody${change}.`
  );
}

function fileSection({ fileId, name, count, reasons, otherCount }: FileSurvey): string {
  const most = [...reasons].sort(([, a], [, b]) => b.count - a.count);
  const width = String(most[0]?.[1].count ?? 0).length;
  const lines = most
    .slice(0, maxReasons)
    .map(([reason, each]) => `  ${String(each.count).padStart(width)}  ${reason}: ${shortened(each.example)}`);
  const left = most.slice(maxReasons).reduce((sum, [, each]) => sum + each.count, otherCount);
  const more = left > 0 ? [`  … and ${counted(left, 'record')} for other reasons`] : [];
  return [`${plainText(name, maxNameCharacters)} (file ${fileId}): ${count}`, ...lines, ...more].join('\n');
}

function listSection({ archiveBucket }: DeskNews, csvKey: string): string {
  return [
    'The list, a row for each record, to be opened with a spreadsheet program:',
    `  s3://${archiveBucket}/${csvKey}`,
    `  aws s3 cp s3://${archiveBucket}/${csvKey} dead-letters.csv`,
  ].join('\n');
}

function workSection(work: readonly FailedTask[]): string {
  if (work.length === 0) return '';
  const lines = work.slice(0, maxWork).map(({ queue, lane, about, sentAt }) => {
    const where = lane === undefined || lane === 'main' ? queue : `${lane} ${queue}`;
    return `  ${plainText(about, maxNameCharacters)}, in the DLQ of ${where}, since ${new Date(sentAt).toISOString()}`;
  });
  return [
    'These messages failed at every try. Nothing of them is lost; once the cause is gone (see the log of the',
    'function that works off the queue), redrive the DLQ they are in:',
    ...lines,
    ...(work.length > maxWork ? [`  … and ${work.length - maxWork} more`] : []),
  ].join('\n');
}

function whatToDo({ feed, stackName }: DeskNews): string {
  const sluice = `sluice --stack ${stackName}`;
  return [
    'What to do:',
    '- A row is wrong: correct it in the list (change the columns of the file, not those that begin with sluice_), save it',
    `  as CSV, and send it back in:  ${sluice} dlq reingest dead-letters.csv`,
    '- The API turned it down or was away, and would take it now: "Start DLQ redrive" in the SQS console,',
    `  or  ${sluice} dlq redrive --feed ${feed}`,
    `- It was settled elsewhere:  ${sluice} dlq resolve FILE_ID RECORD --why "..."`,
    `- More about one of them:  ${sluice} dlq show FILE_ID RECORD`,
    'Rows that you leave as they are stay open, and are in the next list.',
  ].join('\n');
}

function counted(count: number, what: string): string {
  return `${count.toLocaleString('en-US')} ${what}${count === 1 ? '' : 's'}`;
}

function shortened(text: string): string {
  return text.length <= maxExampleCharacters ? text : `${text.slice(0, maxExampleCharacters)}…`;
}
