import type { WaitingRevision } from '../core/series/waiting-revision.ts';
import { revisionWaitMail } from '../core/series/revision-wait-mail.ts';
import { isLongWait, isWaitingForRevision } from '../core/series/waiting-revision.ts';
import type { AuditLog, Clock, Desk, FileLedger, SeriesLedger } from '../ports.ts';

export interface WatchRevisionsPorts {
  ledger: Pick<FileLedger, 'eachFile'> & Pick<SeriesLedger, 'noteWaitNotified'>;
  desk: Desk;
  clock: Pick<Clock, 'now'>;
  log: AuditLog;
  stackName: string;
}

/**
 * Notifies a feed's desk, once, of files that have waited for an earlier revision for an hour. The message first, then the
 * note that it was sent: a run that dies between the two notifies twice rather than never.
 */
export async function watchRevisions(feed: string, ports: WatchRevisionsPorts): Promise<void> {
  const { ledger, desk, clock, log, stackName } = ports;
  const waiting: WaitingRevision[] = [];
  for await (const file of ledger.eachFile(feed, 'open')) {
    if (isWaitingForRevision(file) && isLongWait(file, clock.now())) waiting.push(file);
  }
  if (waiting.length === 0) return;
  const { subject, text } = revisionWaitMail(feed, waiting, stackName);
  await desk.notify(subject, text);
  for (const file of waiting) await ledger.noteWaitNotified(file);
  log.warn('desk notified of files that wait for an earlier revision', { feed, files: waiting.length });
}
