import type { WaitingFile } from '../core/control/control-mail.ts';
import { isWaitingForControl, lateMail, waitingMail } from '../core/control/control-mail.ts';
import type { AuditLog, Clock, ControlLedger, Desk, FileLedger, Metrics } from '../ports.ts';

export interface WatchControlsPorts {
  ledger: Pick<FileLedger, 'eachFile'> & Pick<ControlLedger, 'noteNotified' | 'listLateControls' | 'closeLateControls'>;
  desk: Desk;
  metricsOf: (feed: string) => Metrics;
  clock: Pick<Clock, 'now'>;
  log: AuditLog;
  /** Whether the feed's files have control files. */
  hasControls: boolean;
}

/** The most late control files per message; more wait for the next run. */
const maxLate = 500;

/**
 * Notifies a feed's desk of files that wait for their control file: once when they are overdue, once at the deadline; and
 * of control files that came too late. The messages first, then the notes that they were sent: a run that dies between the
 * two notifies twice rather than never.
 */
export async function watchControls(feed: string, isDeadline: boolean, ports: WatchControlsPorts): Promise<void> {
  if (!ports.hasControls) return;
  const { ledger, desk, clock, log } = ports;
  const waiting: WaitingFile[] = [];
  for await (const file of ledger.eachFile(feed, 'open')) if (isWaitingForControl(file)) waiting.push(file);
  const overdue = waiting.filter(({ control: { overdueAt = Infinity } }) => overdueAt <= clock.now());
  const metrics = ports.metricsOf(feed);
  metrics.add('OverdueControlFiles', overdue.length);
  metrics.flush();
  await notify(feed, 'overdue', overdue, ports);
  if (isDeadline) await notify(feed, 'deadline', waiting, ports);
  const late = await ledger.listLateControls(feed, maxLate);
  if (late.length === 0) return;
  const { subject, text } = lateMail(feed, late);
  await desk.notify(subject, text);
  await ledger.closeLateControls(feed, late);
  log.info('desk notified of late control files', { feed, files: late.length });
}

async function notify(
  feed: string,
  occasion: 'overdue' | 'deadline',
  files: readonly WaitingFile[],
  { ledger, desk, log }: WatchControlsPorts,
): Promise<void> {
  const news = files.filter(({ control: { notified = [] } }) => !notified.includes(occasion));
  if (news.length === 0) return;
  const { subject, text } = waitingMail(feed, news, occasion === 'deadline');
  await desk.notify(subject, text);
  for (const file of news) await ledger.noteNotified(file, occasion);
  log.warn('desk notified of files that wait for control files', { feed, files: news.length, occasion });
}
