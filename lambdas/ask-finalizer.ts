import { amendAfterSeconds, askAgainAfterMs } from './core/account/amendment.ts';
import type { FileAccount } from './core/account/file-account.ts';
import { isManifestOwed, isWhollySettled } from './core/account/file-account.ts';
import { isAbandoned } from './core/account/quarantine.ts';
import type { FinalizeMessage } from './messages.ts';
import type { FileLedger, FinalizeQueue } from './ports.ts';

/**
 * Asks the finalizer to close the file, if all of it has ended and its manifest has not been written. Of an abandoned file,
 * which a newer revision waits for, messages may be lost: the finalizer sees whether a batch is open.
 */
export async function askToFinalize(file: FileAccount, queue: FinalizeQueue): Promise<void> {
  const mayHaveEnded = isWhollySettled(file) || (isAbandoned(file) && file.state !== 'splitting');
  if (isManifestOwed(file) && mayHaveEnded) await queue.send(finalizeMessageOf(file, false), 0);
}

/**
 * After a dead letter has been resolved: requests an amended manifest, once for all letters resolved at about the same
 * time.
 */
export async function askToAmend(
  file: { fileId: string; feed: string },
  ports: { ledger: Pick<FileLedger, 'requestAmendment'>; finalize: FinalizeQueue },
): Promise<void> {
  // Requests it again if an earlier request was long ago and nothing came of it.
  if (await ports.ledger.requestAmendment(file.fileId, askAgainAfterMs)) {
    await ports.finalize.send(finalizeMessageOf(file, true), amendAfterSeconds);
  }
}

export function finalizeMessageOf({ fileId, feed }: { fileId: string; feed: string }, amend: boolean): FinalizeMessage {
  return { v: 1, kind: 'finalize', feed, fileId, amend };
}
