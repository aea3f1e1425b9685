import type { Feed } from '../../feeds/feed.ts';
import type { Receipt } from '../core/account/receipt.ts';
import type { AuditLog } from '../ports.ts';

type Entry = Pick<Receipt, 'record' | 'sha256' | 'outcome' | 'status' | 'request_id' | 'reason' | 'warnings'> & {
  correlation_id?: string | undefined;
};

/**
 * A line a record, of feeds that ask for it: what became of it, by whichever hash and number it can be found. Nothing of
 * the record itself but its id. Written before the batch is settled: rather twice than never.
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
      warnings: receipt.warnings ?? [],
    });
  }
}
