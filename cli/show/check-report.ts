import { parseDeadline } from '../../cdk/deadline.ts';
import { clockText, durationText } from '../../lambdas/core/deadlines/deadline-text.ts';
import { delimiterNames } from '../../lambdas/core/records/describe-header.ts';
import type { CheckReport, ControlCheck, SeriesCheck } from '../check/check-report.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { formatBytes, formatCount, formatCountOf, formatDuration, formatRate, oneLine } from '../terminal/format.ts';
import { formatPairs } from '../terminal/table.ts';

const maxShownGroups = 20;
const maxShownColumns = 20;

/** The result of a check as text. @param deadline the feed's, as in its settings; times are shown in its time zone */
export function formatCheck(
  report: CheckReport,
  deadline: string | undefined,
  { style }: Pick<Terminal, 'style'>,
): string {
  const colour = report.state !== 'completed' ? 'red' : report.rejected_records > 0 ? 'yellow' : 'green';
  const verdict = oneLine(verdictOf(report), 3000);
  const parts = [
    `${style('bold', oneLine(report.file, 200))}  ${style(colour, verdict)}\n`,
    '\n',
    formatPairs(factsOf(report, deadline), '  '),
  ];
  if (report.rejects.length > 0) parts.push('\nRejected\n', ...rejectLines(report));
  if (report.repetitions.length > 0)
    parts.push(
      '\nRepeated: the API would accept the first and answer the others as duplicates\n',
      ...repetitionLines(report),
    );
  return parts.join('');
}

function verdictOf({ state, failure, rejected_records: rejected, total_records: total }: CheckReport): string {
  if (state === 'failed') return `would be refused: ${failure?.message ?? ''}`;
  if (state === 'quarantined') return `would be quarantined: ${failure?.message ?? ''}`;
  if (total === 0) return 'it has no records';
  return rejected === 0
    ? 'every record is valid'
    : `${formatCountOf(rejected, 'record')} of ${formatCount(total)} would be rejected`;
}

function factsOf(report: CheckReport, deadline: string | undefined): [string, string][] {
  const { csv, upload, cost } = report;
  const facts: [string, string][] = [['feed', `${report.feed}, with the limits of ${report.stage}`]];
  facts.push(['size', formatBytes(report.bytes)], ['sha256', report.checksum]);
  if (report.compression !== null) {
    const member = report.zip_member === null ? '' : `, holding ${report.zip_member}`;
    facts.push(['compression', `${report.compression}${member}`]);
  }
  if (report.decoded_from !== null) facts.push(['decoded from', report.decoded_from]);
  if (report.content_bytes !== null && report.content_bytes !== report.bytes)
    facts.push(['content', formatBytes(report.content_bytes)]);
  if (report.format !== null) facts.push(['format', `${report.format}, ${report.encoding ?? ''}`]);
  if (report.series) facts.push(['series', seriesText(report.series)]);
  if (report.control) facts.push(['control file', controlText(report.control)]);
  if (report.is_small_file) facts.push(['small file', 'bundled with other files, as one record']);
  if (csv) {
    const shown = csv.columns.slice(0, maxShownColumns).join(' | ');
    const more = csv.columns.length > maxShownColumns ? ` and ${csv.columns.length - maxShownColumns} more` : '';
    facts.push(['separated by', delimiterNames[csv.delimiter]]);
    facts.push(['columns', `${shown}${more}`], ['first record', `from line ${csv.first_record_line} on`]);
  }
  for (const { message } of report.warnings) facts.push(['warning', message]);
  for (const { message, count } of report.record_warnings)
    facts.push(['warning', `${formatCountOf(count, 'record')}: ${message}`]);
  if (report.state === 'failed') return facts.map(plain);
  facts.push(['records', formatCount(report.total_records)], ['valid', formatCount(report.valid_records)]);
  facts.push(['rejected', formatCount(report.rejected_records)], ['repeated', formatCount(report.repeated_records)]);
  if (report.held_records > 0) facts.push(['not sent', formatCount(report.held_records)]);
  const limit = `${formatCountOf(upload.requests, 'request')} per ${formatDuration(upload.window_seconds)}`;
  const pace = upload.paced
    ? `${limit}: ${formatRate(upload.records_per_second)}`
    : `no limit; about ${formatRate(upload.records_per_second)}`;
  facts.push(['upload', `${formatDuration(upload.seconds)} (${pace}), with nothing else in progress`]);
  facts.push(...deadlineFacts(report, deadline));
  const dollars = cost.dollars < 0.01 ? 'less than $0.01' : `about $${cost.dollars.toFixed(2)}`;
  facts.push(['cost', `${dollars}, storage aside`]);
  return facts.map(plain);
}

const changedTexts = {
  replaces: 'changed records replace earlier ones',
  supersedes: 'changed records supersede earlier ones',
};

const controlTexts: Record<ControlCheck['result'], string> = {
  agrees: 'it agrees',
  differs: 'it differs, so nothing would be sent before a person releases the file',
  missing: 'not beside the file, which would wait for it',
};

function controlText({ name, kind, result }: ControlCheck): string {
  return `${name} (${kind}): ${controlTexts[result]}`;
}

function seriesText({ pattern, id, parts, number, changed_records: changed }: SeriesCheck): string {
  if (id === null) return `none: the name does not match ${pattern}`;
  const values = Object.entries(parts).map(([name, value]) => `${name} ${value}`);
  const place = [...values, ...(number === null ? [] : [`revision ${number}`])].join(', ');
  return `${place}; ${changed === null ? 'a person decides about changed records' : changedTexts[changed]}`;
}

function deadlineFacts({ upload }: CheckReport, deadline: string | undefined): [string, string][] {
  const startsAt = Date.parse(upload.starts_at);
  const timeZone = deadline === undefined ? undefined : parseDeadline(deadline)?.timeZone;
  const at = (iso: string): string => {
    const clock = clockText(Date.parse(iso), timeZone, startsAt);
    return timeZone === undefined ? clock : `${clock} ${timeZone}`;
  };
  const done = `about ${at(upload.done_at)}`;
  if (upload.deadline_at === null || upload.margin_seconds === null) return [['done', done]];
  const span = durationText(Math.abs(upload.margin_seconds));
  const margin = upload.margin_seconds >= 0 ? `met, ${span} before it` : `MISSED by ${span}`;
  return [
    ['done', done],
    ['deadline', `${at(upload.deadline_at)}: ${margin}`],
  ];
}

function rejectLines({ rejects }: CheckReport): string[] {
  const lines = rejects
    .slice(0, maxShownGroups)
    .flatMap(({ reason, field, count, examples }) => [
      `  ${formatCount(count)}  ${oneLine(field === null ? reason : `${reason} (${field})`, 200)}\n`,
      ...examples.map(
        ({ record, line, message }) => `      line ${line}, record ${record}: ${oneLine(message, 300)}\n`,
      ),
    ]);
  return rejects.length > maxShownGroups
    ? [...lines, `  and ${rejects.length - maxShownGroups} more reasons\n`]
    : lines;
}

function repetitionLines({ repetitions, repeated_records: count }: CheckReport): string[] {
  const lines = repetitions.map(
    ({ record, line, first_record: firstRecord, first_line: firstLine }) =>
      `  line ${line}, record ${record}, is record ${firstRecord} in line ${firstLine} again\n`,
  );
  return count > repetitions.length ? [...lines, `  and ${formatCount(count - repetitions.length)} more\n`] : lines;
}

const plain = ([name, value]: [string, string]): [string, string] => [name, oneLine(value, 2000)];
