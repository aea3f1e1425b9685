import type { Feed } from '../../feeds/feed.ts';
import type { Receipt } from '../core/account/receipt.ts';
import { inGroups } from '../core/in-groups.ts';
import type { AuditLog } from '../ports.ts';

type Entry = Pick<Receipt, 'record' | 'sha256' | 'outcome' | 'status' | 'reason' | 'warnings'> & {
  correlation_id?: string | undefined;
};

/**
 * The most records of one line, and characters of their ids and warnings. What is the same for all of them (file, time,
 * function) is more than half of a line about one record, and CloudWatch's price is by the byte. It cuts lines longer than
 * 256 KB; a character is six bytes at most.
 */
const perLine = { count: 100, size: 32_000 };

/**
 * Logs each record's outcome for feeds that enable it, and the hash and number by which the record can be found; of the
 * record itself, only its id. Written before the batch is settled: rather twice than never.
 */
export function auditRecords(fileId: string, receipts: readonly Entry[], feed: Feed, log: AuditLog): void {
  if (!feed.auditEachRecord) return;
  for (const group of inGroups(receipts, perLine, charactersOf)) {
    log.info('records accounted for', {
      correlation_id: fileId,
      records: group.map((receipt) => ({
        correlation_id: receipt.correlation_id ?? `${fileId}/${receipt.record}`,
        record: receipt.record,
        sha256: receipt.sha256,
        outcome: receipt.outcome,
        ...(receipt.reason === undefined ? {} : { reason: receipt.reason }),
        status: receipt.status,
        ...(receipt.warnings?.length ? { warnings: receipt.warnings } : {}),
      })),
    });
  }
}

const charactersOf = ({ correlation_id: id = '', warnings = [] }: Entry): number =>
  warnings.reduce((sum, { length }) => sum + length, id.length);
