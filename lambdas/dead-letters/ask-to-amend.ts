import { amendAfterSeconds, askAgainAfterMs } from '../core/account/amendment.ts';
import type { FileLedger, FinalizeQueue } from '../ports.ts';

/** A dead letter has come to rest: the finalizer is asked once for all that do so in a while. */
export async function askToAmend(
  { fileId, feed }: { fileId: string; feed: string },
  ports: { ledger: Pick<FileLedger, 'requestAmendment'>; finalize: FinalizeQueue },
): Promise<void> {
  // Asked for again where it was asked for long ago and has not come.
  if (await ports.ledger.requestAmendment(fileId, askAgainAfterMs)) {
    await ports.finalize.send({ v: 1, kind: 'finalize', feed, fileId, amend: true }, amendAfterSeconds);
  }
}
