import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import type { OpenDead } from '../../lambdas/core/dead-letters/reconciliation-csv.ts';
import { readDeadRecords } from '../../lambdas/dead-letters/read-dead-records.ts';
import type { OpenStack } from '../stack/open-stack.ts';

/** How a stack's dead records are read, file by file: those that are too long for their letters by their heads. */
export function readDeadOf({ ledger, archive, receipts }: OpenStack): (file: FileAccount) => AsyncIterable<OpenDead> {
  return (file) => readDeadRecords(file, { ledger, archive, receipts });
}

/** The same, with all of each record: for what is exported, or compared with what was. */
export function readWholeDeadOf(stack: OpenStack): (file: FileAccount) => AsyncIterable<OpenDead> {
  return (file) => readDeadRecords(file, stack);
}
