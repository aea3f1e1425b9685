import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { csvHeader, csvLineBreak, csvRow } from '../core/dead-letters/reconciliation-csv.ts';
import type { Archive, AuditLog, Clock, Desk, DeskLedger, Metrics } from '../ports.ts';
import { describeSurvey } from './describe-survey.ts';
import type { DlqFindings } from './inspect-dlqs.ts';
import type { Survey, SurveyPorts } from './survey-dead.ts';
import { eachDead } from './survey-dead.ts';

export interface NotifyDeskPorts extends SurveyPorts {
  ledger: SurveyPorts['ledger'] & Pick<DeskLedger, 'getDeskState' | 'saveDeskState'>;
  archive: Pick<Archive, 'getStream' | 'putStream'>;
  archiveBucket: string;
  stackName: string;
  desk: Desk;
  metricsOf: (feed: string) => Metrics;
  clock: Clock;
  log: AuditLog;
}

/** The list is uploaded in pieces of about this size. Characters. */
const pieceCharacters = 64 * 1024;

/**
 * Writes the list of what needs attention, and notifies the desk of it: when something has changed, and at the feed's
 * deadline while anything is open. The list first, then the message, then the note that it was sent: a run that dies midway
 * notifies twice rather than never.
 */
export async function notifyDesk(
  feed: string,
  survey: Survey,
  findings: Pick<DlqFindings, 'work' | 'oldestSentAt'>,
  isDeadline: boolean,
  ports: NotifyDeskPorts,
): Promise<void> {
  const { ledger, clock, log } = ports;
  const work = findings.work.filter((each) => each.feed === feed || each.feed === undefined);
  putMetrics(feed, survey, findings.oldestSentAt.get(feed), ports);
  const before = await ledger.getDeskState(feed);
  const fingerprint = fingerprintOf(survey, work);
  const isNothing = survey.count === 0 && work.length === 0;
  // A desk that was never notified needs no message that nothing is open.
  const isNews = before === undefined ? !isNothing : before.fingerprint !== fingerprint;
  if (!isNews && !(isDeadline && !isNothing)) return;

  const csvKey = isNews ? await writeList(feed, survey, fingerprint, ports) : (before?.csvKey ?? null);
  const { archiveBucket, stackName } = ports;
  const message = describeSurvey({ feed, stackName, survey, work, before: before?.openRecords, archiveBucket, csvKey });
  await ports.desk.notify(message.subject, message.text);
  await ledger.saveDeskState(feed, { fingerprint, openRecords: survey.count, csvKey, at: clock.now() });
  log.info('desk notified', { feed, open_records: survey.count, stuck_messages: work.length, csv_key: csvKey });
}

function fingerprintOf(survey: Survey, work: DlqFindings['work']): string {
  const stuck = work.map(({ queue, lane, about, sentAt }) => JSON.stringify([queue, lane, about, sentAt])).sort();
  return createHash('sha256')
    .update(JSON.stringify([survey.fingerprint, stuck]))
    .digest('hex');
}

/**
 * Ages are computed from the messages' send times: SQS's age metric restarts when a message is moved, its retention does
 * not.
 */
function putMetrics(feed: string, survey: Survey, seenSentAt: number | undefined, ports: NotifyDeskPorts): void {
  const oldest = Math.min(survey.oldestSentAt ?? Infinity, seenSentAt ?? Infinity);
  const ageSeconds = oldest === Infinity ? 0 : Math.max(0, (ports.clock.now() - oldest) / 1000);
  const metrics = ports.metricsOf(feed);
  metrics.add('OpenDeadLetters', survey.count);
  metrics.add('OldestDeadLetterAge', Math.round(ageSeconds));
  metrics.flush();
}

/** @returns its key; null if there is nothing to list */
async function writeList(
  feed: string,
  survey: Survey,
  fingerprint: string,
  ports: NotifyDeskPorts,
): Promise<string | null> {
  if (survey.count === 0) return null;
  const [day, time] = new Date(ports.clock.now()).toISOString().slice(0, 19).split('T') as [string, string];
  // Nothing is ever overwritten: two lists in the same second need different names.
  const name = `${time.replaceAll(':', '')}Z-${fingerprint.slice(0, 8)}`;
  const key = `reconciliation/${feed}/${day.replaceAll('-', '/')}/${name}.csv`;
  await ports.archive.putStream(key, Readable.from(listOf(feed, survey, ports)), 'text/csv; charset=utf-8');
  return key;
}

async function* listOf(feed: string, { columns }: Survey, ports: NotifyDeskPorts): AsyncGenerator<Buffer> {
  let piece = csvHeader(columns) + csvLineBreak;
  for await (const open of eachDead(feed, ports)) {
    piece += csvRow(open, columns) + csvLineBreak;
    if (piece.length < pieceCharacters) continue;
    yield Buffer.from(piece);
    piece = '';
  }
  yield Buffer.from(piece);
}
