import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import type { OpenDead } from '../../lambdas/core/dead-letters/reconciliation-csv.ts';
import { readDeadRecords } from '../../lambdas/dead-letters/read-dead-records.ts';
import type { OpenStack } from '../stack/open-stack.ts';

/** How a stack's dead records are read, file by file. */
export function readDeadOf(stack: OpenStack): (file: FileAccount) => AsyncIterable<OpenDead> {
  return (file) => readDeadRecords(file, stack);
}
