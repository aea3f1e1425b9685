import { systemClock } from '../../lambdas/adapters/system-clock.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { Amendment, AmendmentPorts } from './await-amendment.ts';
import { awaitAmendment } from './await-amendment.ts';

/** Waits for the amended manifests of files whose dead letters were resolved, until the signal fires. */
export async function amendmentsOf(
  fileIds: readonly string[],
  ports: Pick<AmendmentPorts, 'ledger' | 'readSummary'>,
  terminal: Pick<Terminal, 'progress'>,
  signal: AbortSignal,
): Promise<Amendment[]> {
  const amendments: Amendment[] = [];
  for (const fileId of fileIds) {
    amendments.push(await awaitAmendment(fileId, { ...ports, clock: systemClock, terminal }, signal));
  }
  return amendments;
}
