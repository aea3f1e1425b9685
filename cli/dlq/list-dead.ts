import { isManifestOwed } from '../../lambdas/core/account/file-account.ts';
import type { ReadDead } from '../../lambdas/dead-letters/read-dead-records.ts';
import { deadOfFiles } from '../../lambdas/dead-letters/read-dead-records.ts';
import { describeDead } from './describe-dead.ts';
import type { DeadDescription } from './describe-dead.ts';
import type { Selection, SelectPorts } from './select-dead.ts';
import { selectFilesWithDead } from './select-dead.ts';

export interface ListPorts {
  ledger: SelectPorts;
  readDead: ReadDead;
}

/** A record that still needs a person, as `dlq list --json` has it. */
export interface ListedRecord extends DeadDescription {
  kind: 'letter';
  queue: 'letters';
}

/**
 * Every open dead record of the selection, by file and position: from the ledger and the files' receipts, so that a
 * purged DLQ hides nothing. For a batch that is not settled yet, from the ledger alone.
 */
export async function* listDead(selection: Selection, { ledger, readDead }: ListPorts): AsyncGenerator<ListedRecord> {
  for await (const { file, records } of deadOfFiles(await selectFilesWithDead(selection, ledger), readDead)) {
    const withReceipt = new Set<number>();
    for await (const { receipt, dead } of records) {
      if (isManifestOwed(file)) withReceipt.add(receipt.record);
      const listed = listedOf(describeDead(file, receipt.record, receipt, dead));
      if (isMeant(listed, selection)) yield listed;
    }
    if (!isManifestOwed(file)) continue;
    for await (const dead of ledger.listDead(file.fileId)) {
      if (dead.state !== 'dead' || withReceipt.has(dead.record)) continue;
      const listed = listedOf(describeDead(file, dead.record, undefined, dead));
      if (isMeant(listed, selection)) yield listed;
    }
  }
}

const listedOf = (described: DeadDescription): ListedRecord => ({ kind: 'letter', queue: 'letters', ...described });

const isMeant = (listed: ListedRecord, { reason }: Selection): boolean =>
  reason === undefined || listed.reason === reason;
