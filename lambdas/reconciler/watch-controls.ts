import type { WaitingFile } from '../core/control/control-mail.ts';
import { isWaitingForControl, lateMail, waitingMail } from '../core/control/control-mail.ts';
import type { ControlOccasion } from '../core/control/file-control.ts';
import type { AuditLog, Clock, ControlLedger, Desk, FileLedger, Metrics } from '../ports.ts';

export interface WatchControlsPorts {
  ledger: Pick<FileLedger, 'eachFile'> & Pick<ControlLedger, 'noteNotified' | 'listLateControls' | 'closeLateControls'>;
  desk: Desk;
  metricsOf: (feed: string) => Metrics;
  clock: Pick<Clock, 'now'>;
  log: AuditLog;
  stackName: string;
  /** Whether the feed's files have control files. */
  hasControls: boolean;
}

/** The most late control files per message; more wait for the next run. */
const maxLate = 500;

/**
 * Notifies a feed's desk of files that wait for their control file: once when they are overdue, once at the deadline, and
 * once if both are at the same time; and of control files that came too late. The messages first, then the notes that they were sent: a run that dies between the
 * two notifies twice rather than never.
 */
export async function watchControls(feed: string, isDeadline: boolean, ports: WatchControlsPorts): Promise<void> {
  if (!ports.hasControls) return;
  const { ledger, desk, clock, log } = ports;
  const waiting: WaitingFile[] = [];
  for await (const file of ledger.eachFile(feed, 'open')) if (isWaitingForControl(file)) waiting.push(file);
  const isOverdue = ({ control: { overdueAt = Infinity } }: WaitingFile): boolean => overdueAt <= clock.now();
  const overdue = waiting.filter(isOverdue);
  const metrics = ports.metricsOf(feed);
  metrics.add('OverdueControlFiles', overdue.length);
  metrics.flush();
  const atDeadline = isDeadline ? waiting.filter(isNews('deadline')) : [];
  await notify(
    feed,
    'deadline',
    atDeadline,
    (file) => (isOverdue(file) ? ['overdue', 'deadline'] : ['deadline']),
    ports,
  );
  const others = overdue.filter((file) => isNews('overdue')(file) && !atDeadline.includes(file));
  await notify(feed, 'overdue', others, () => ['overdue'], ports);
  const late = await ledger.listLateControls(feed, maxLate);
  if (late.length === 0) return;
  const { subject, text } = lateMail(feed, late, ports.stackName);
  await desk.notify(subject, text);
  await ledger.closeLateControls(feed, late);
  log.info('desk notified of late control files', { feed, files: late.length });
}

const isNews =
  (occasion: ControlOccasion) =>
  ({ control: { notified = [] } }: WaitingFile): boolean =>
    !notified.includes(occasion);

/** @param occasionsOf of which occasions the message notifies about a file */
async function notify(
  feed: string,
  occasion: ControlOccasion,
  files: readonly WaitingFile[],
  occasionsOf: (file: WaitingFile) => ControlOccasion[],
  { ledger, desk, log, stackName }: WatchControlsPorts,
): Promise<void> {
  if (files.length === 0) return;
  const { subject, text } = waitingMail(feed, files, occasion === 'deadline', stackName);
  await desk.notify(subject, text);
  for (const file of files) await ledger.noteNotified(file, occasionsOf(file));
  log.warn('desk notified of files that wait for control files', { feed, files: files.length, occasion });
}
