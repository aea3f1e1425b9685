import type { Buffer } from 'node:buffer';
import { LeaseLostError } from '../core/errors.ts';
import type { FileAccount } from '../core/account/file-account.ts';
import type { Deadline } from '../runtime/deadline.ts';
import type { ContentCheck } from '../content/check-content.ts';
import { checkContent } from '../content/check-content.ts';
import type { SplitterPorts } from './splitter-ports.ts';
import { fileLeaseMs, saveProgress } from './splitter-ports.ts';

/**
 * `checkContent` under a lease and within a function's time.
 * @throws LeaseLostError if another splitter has claimed the file; what reading it throws
 */
export async function checkStored(
  file: FileAccount,
  whole: Buffer | undefined,
  ports: SplitterPorts,
  deadline: Deadline,
): Promise<ContentCheck> {
  const { sources, gzip: limits, clock } = ports;
  const hadMs = deadline.remainingMs();
  let renewAt = clock.now() + fileLeaseMs / 3;
  const onChunk = async () => {
    if (deadline.isDrawingIn()) {
      // If it was asked to end early, it did not have its full time.
      const usedMs = hadMs - deadline.remainingMs();
      return hadMs < limits.roomMs || usedMs < limits.roomMs / 2 ? 'stop' : 'too-slow';
    }
    if (clock.now() < renewAt) return 'go-on';
    if (!(await saveProgress(file, ports, {}))) {
      throw new LeaseLostError(`The file ${file.fileId} was claimed by another splitter.`);
    }
    renewAt = clock.now() + fileLeaseMs / 3;
    return 'go-on';
  };
  const check = await checkContent(file.source, whole, { sources, limits, onChunk });
  return check.kind === 'refused' ? { ...check, message: `${check.message} Nothing of it was sent.` } : check;
}
