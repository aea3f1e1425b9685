import { systemClock } from '../../lambdas/adapters/system-clock.ts';
import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import { readSummary } from '../archive/read-summary.ts';
import type { Amendment } from './await-amendment.ts';
import { awaitAmendment } from './await-amendment.ts';
import type { OpenStack } from '../stack/open-stack.ts';
import type { Terminal } from '../terminal/terminal.ts';

/** Waits for the amended manifests of files whose dead letters were resolved, until the signal fires. */
export async function amendmentsOf(
  fileIds: readonly string[],
  stack: OpenStack,
  terminal: Pick<Terminal, 'progress'>,
  signal: AbortSignal,
): Promise<Amendment[]> {
  const ports = {
    ledger: stack.ledger,
    clock: systemClock,
    terminal,
    readSummary: (file: FileAccount) => readSummary(stack, file),
  };
  const amendments: Amendment[] = [];
  for (const fileId of fileIds) amendments.push(await awaitAmendment(fileId, ports, signal));
  return amendments;
}
