import { buriedReason } from '../../lambdas/core/account/outcome.ts';
import type { ReasonTally } from '../dlq/group-by-reason.ts';
import type { ListedRecord } from '../dlq/list-dead.ts';
import type { Selection } from '../dlq/select-dead.ts';
import { isNarrowed } from '../dlq/select-dead.ts';
import { formatCountOf } from '../terminal/format.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { formatDeadEntries } from './dlq-table.ts';
import { sluice } from '../terminal/sluice-command.ts';

export interface DeadList {
  selection: Selection;
  records: ReasonTally;
  /** The first one listed. */
  first: Pick<ListedRecord, 'file_id' | 'record'> | undefined;
  messages: ReasonTally;
  /** Letters by SQS's count, in the DLQs and on their way there. */
  queued: number;
}

/** The open dead letters, other messages in the DLQs, and what can be done. */
export function formatDeadList(
  { selection, records, first, messages, queued }: DeadList,
  painter: Pick<Terminal, 'style'>,
  columns: number,
): string {
  const { feed } = selection;
  const parts: string[] = [];
  if (records.count > 0) parts.push(formatDeadEntries(`Open in ${feed}`, 'dead letter', records, painter, columns));
  // The records of a buried batch share one message, which is in another DLQ.
  const missing = records.count - records.countOf(buriedReason) - queued;
  if (!isNarrowed(selection) && missing > 0) {
    parts.push(
      `${formatCountOf(missing, 'dead letter')} of them no longer have a message in the DLQ (purged or expired). ` +
        `Nothing is lost: a redrive makes them again.\n`,
    );
  }
  if (messages.count > 0)
    parts.push(formatDeadEntries(`Also in the DLQs of ${feed}`, 'message', messages, painter, columns));
  if (parts.length === 0) {
    return isNarrowed(selection) ? `No open dead letter of ${feed} matches.\n` : `${feed} has no open dead letters.\n`;
  }
  if (first) {
    parts.push(
      `Everything about one record: \`${sluice} dlq show ${first.file_id} ${first.record}\`. ` +
        `To try them again: \`${sluice} dlq redrive --feed ${feed}\`.\n`,
    );
  }
  return parts.join('\n');
}
