import type { FileAccount } from '../core/account/file-account.ts';
import { LeaseLostError } from '../core/errors.ts';
import type { SplitterPorts } from './splitter-ports.ts';
import { fileLeaseMs, saveProgress } from './splitter-ports.ts';

/** Renews a lease where there is one; an event loop's turn costs nothing. */
export type KeepLease = () => Promise<void>;

/** Keeps the splitter's lease on a file while it is read without a checkpoint. */
export function leaseKeeper(file: FileAccount, ports: Pick<SplitterPorts, 'ledger' | 'clock'>): KeepLease {
  let savedAt = ports.clock.now();
  return async () => {
    if (ports.clock.now() - savedAt < fileLeaseMs / 3) return;
    savedAt = ports.clock.now();
    if (!(await saveProgress(file, ports, {})))
      throw new LeaseLostError(`The file ${file.fileId} was claimed by another splitter.`);
  };
}
