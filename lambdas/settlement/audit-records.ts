import type { Feed } from '../../feeds/feed.ts';
import type { Receipt } from '../core/account/receipt.ts';
import type { AuditLog } from '../ports.ts';

type Entry = Pick<Receipt, 'record' | 'sha256' | 'outcome' | 'status' | 'request_id' | 'reason' | 'warnings'> & {
  correlation_id?: string | undefined;
};

/**
 * Writes a line per record for feeds that enable it: the record's outcome, and the hashes and numbers by which it can be
 * found. Of the record itself, only its id is logged. Written before the batch is settled: rather twice than never.
 */
export function auditRecords(fileId: string, receipts: readonly Entry[], feed: Feed, log: AuditLog): void {
  if (!feed.auditEachRecord) return;
  for (const receipt of receipts) {
    log.info('record accounted for', {
      correlation_id: receipt.correlation_id ?? `${fileId}/${receipt.record}`,
      file_id: fileId,
      record: receipt.record,
      sha256: receipt.sha256,
      outcome: receipt.outcome,
      reason: receipt.reason ?? null,
      status: receipt.status,
      request_id: receipt.request_id,
      ...(receipt.warnings?.length ? { warnings: receipt.warnings } : {}),
    });
  }
}
