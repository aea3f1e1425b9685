import { isLost } from '../core/notices/gather.ts';
import { mailOf } from '../core/notices/notice-mail.ts';
import type { AuditLog, Clock, Desk, NoticeLedger } from '../ports.ts';

export interface SendNoticesPorts {
  ledger: Pick<NoticeLedger, 'pendingNotices' | 'closeNotices' | 'getMailState' | 'beginMail' | 'endMail'>;
  desk: Desk;
  clock: Pick<Clock, 'now'>;
  log: AuditLog;
  /** Its commands are in the mails. */
  stackName: string;
}

/** A notice that is older than this and in no mail was missed: its finalizer died, or the mail's message was lost. */
const missedAfterMs = 120_000;

/**
 * Notifies the desk of all files that ended since the last mail, in one mail. The mail first, then the note that it was
 * sent: a run that dies between the two notifies twice rather than never.
 */
export async function sendNotices(feed: string, ports: SendNoticesPorts): Promise<void> {
  const { ledger, desk, clock, log, stackName } = ports;
  // Files that end from now on request another mail.
  await ledger.beginMail(feed);
  const notices = await ledger.pendingNotices(feed);
  if (notices.length === 0) return;
  const { subject, text } = mailOf(notices, stackName);
  await desk.notify(subject, text);
  await ledger.closeNotices(notices);
  await ledger.endMail(feed);
  log.info('desk notified of files', { feed, files: notices.length, at: clock.now() });
}

/** The same, by the reconciler: only if the mail that should have been sent was lost. */
export async function sendMissedNotices(feed: string, ports: SendNoticesPorts): Promise<void> {
  const { ledger, clock } = ports;
  const state = await ledger.getMailState(feed);
  const now = clock.now();
  if (state.dueAt !== undefined && !isLost(state, now)) return;
  const pending = await ledger.pendingNotices(feed);
  if (pending.some(({ at }) => at < now - missedAfterMs)) await sendNotices(feed, ports);
}
