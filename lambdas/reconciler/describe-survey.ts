import { plainText } from '../core/plain-text.ts';
import { sluiceOf } from '../core/notices/mail-lines.ts';
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
  /** Records that needed attention at the desk's last notification. */
  before: number | undefined;
  archiveBucket: string;
  csvKey: string | null;
}

/** A message's subject and text, for people who have to do something about it. */
export function describeSurvey(news: DeskNews): { subject: string; text: string } {
  const { feed, survey, work, csvKey } = news;
  const parts = [
    survey.count > 0 ? `${counted(survey.count, 'record')} to inspect` : undefined,
    work.length > 0 ? `${counted(work.length, 'message')} stuck` : undefined,
  ].filter((part) => part !== undefined);
  const subject = `Sluice ${feed}: ${parts.length > 0 ? parts.join(', ') : 'nothing left to do'}`;
  const sections = [
    headline(news),
    // The newest first: the desk has already been notified of older ones.
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
  if (survey.count === 0) return `No dead letter of the feed '${feed}' is open any more.`;
  const files = counted(survey.fileCount, 'file');
  const change =
    before === undefined || before === survey.count
      ? ''
      : survey.count > before
        ? ` (${counted(survey.count - before, 'record')} more than in the last message)`
        : ` (${counted(before - survey.count, 'record')} fewer than in the last message)`;
  return (
    `${counted(survey.count, 'record')} of ${files} of the feed '${feed}' failed and ` +
    `${survey.count === 1 ? 'needs' : 'need'} attention${change}.`
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
    'The list, one row per record, for a spreadsheet program:',
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
    'These messages failed at every try. Nothing is lost. After the cause is fixed (see the log of the function',
    'that consumes the queue), redrive the DLQ they are in:',
    ...lines,
    ...(work.length > maxWork ? [`  … and ${work.length - maxWork} more`] : []),
  ].join('\n');
}

function whatToDo({ feed, stackName }: DeskNews): string {
  const sluice = sluiceOf(stackName);
  return [
    'What to do:',
    '- If a row is wrong: correct it in the list (the columns of the file, not those that begin with sluice_), save it',
    `  as CSV, and reingest it:  ${sluice} dlq reingest dead-letters.csv`,
    '- If the API refused it or was down, and would accept it now: "Start DLQ redrive" in the SQS console,',
    `  or  ${sluice} dlq redrive --feed ${feed}`,
    `- If it was settled elsewhere:  ${sluice} dlq resolve FILE_ID RECORD --why "..."`,
    `- Details of one record:  ${sluice} dlq show FILE_ID RECORD`,
    'Unchanged rows stay open, and are in the next list.',
  ].join('\n');
}

function counted(count: number, what: string): string {
  return `${count.toLocaleString('en-US')} ${what}${count === 1 ? '' : 's'}`;
}

function shortened(text: string): string {
  return text.length <= maxExampleCharacters ? text : `${text.slice(0, maxExampleCharacters)}…`;
}
