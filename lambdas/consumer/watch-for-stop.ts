import type { FileAccount } from '../core/account/file-account.ts';
import { isStopped } from '../core/account/quarantine.ts';
import type { Clock, FileLedger } from '../ports.ts';

/** A file that is stopped gets no request half a minute later, at most. Milliseconds. */
const lookEveryMs = 15_000;

/**
 * Reads the file every few seconds, as long as its records are sent.
 * @param signal ends the watch
 * @param isOver what stops its records
 * @returns the file once it is stopped; undefined when the watch has ended
 */
export async function watchForStop(
  fileId: string,
  { ledger, clock }: { ledger: Pick<FileLedger, 'getFile'>; clock: Clock },
  signal: AbortSignal,
  isOver: (file: FileAccount) => boolean = isStopped,
): Promise<FileAccount | undefined> {
  while (!signal.aborted) {
    await clock.sleep(lookEveryMs, signal);
    if (signal.aborted) return undefined;
    // A fault of AWS is no reason to stop: the next look may succeed.
    const file = await ledger.getFile(fileId).catch(() => undefined);
    if (file && isOver(file) && !signal.aborted) return file;
  }
  return undefined;
}
