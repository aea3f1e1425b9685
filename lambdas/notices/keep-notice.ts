import type { FileNotice } from '../core/notices/file-notice.ts';
import { isUnsent } from '../core/notices/file-notice.ts';
import { gatherMs } from '../core/notices/gather.ts';
import type { AuditLog, Clock, Metrics, NoticeLedger, NoticeQueue } from '../ports.ts';

export interface KeepNoticePorts {
  ledger: Pick<NoticeLedger, 'keepNotice' | 'getMailState' | 'requestMail'>;
  mails: NoticeQueue;
  metrics: Metrics;
  clock: Pick<Clock, 'now'>;
  log: AuditLog;
}

/**
 * Keeps a file's end for the desk, and has a mail sent within the next minute, with all that end meanwhile. The notice
 * first: the sender of a mail reads the notices after it has taken the request, so none is missed. If this dies before the
 * request, the next run of the reconciler notifies the desk.
 */
export async function keepNotice(notice: FileNotice, ports: KeepNoticePorts): Promise<void> {
  const { ledger, mails, metrics, clock, log } = ports;
  const { feed, kind, fileId, code } = notice;
  await ledger.keepNotice(notice);
  log.warn('file needs attention', { correlation_id: fileId, feed, kind, code });
  if (isUnsent(kind)) {
    metrics.add('UnsentFiles', 1);
    metrics.flush();
  }
  const waitMs = gatherMs(await ledger.getMailState(feed), clock.now());
  if (await ledger.requestMail(feed, waitMs)) await mails.askForMail(feed, waitMs / 1000);
}
