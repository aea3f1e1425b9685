import type { DeadRecord } from '../core/account/file-account.ts';
import { isCorrectionInDoubt, isRedriveInDoubt } from '../core/dead-letters/dead-history.ts';
import { supersededBy } from '../core/series/superseded-letter.ts';
import type { Clock, DeadLedger } from '../ports.ts';

/**
 * Ends a dead letter of a revision that a newer one has superseded: it is not tried any more. What may have been stored of it
 * is noted first, because a newer revision is compared with what its history says.
 * @param begun a correction whose first try is not begun: nothing of it was sent
 */
export async function settleSuperseded(
  dead: DeadRecord,
  by: string,
  { ledger, clock }: { ledger: Pick<DeadLedger, 'addFailure' | 'resolveDead'>; clock: Pick<Clock, 'now'> },
  begun?: string,
): Promise<void> {
  const { fileId, record, correction } = dead;
  const error = 'it may have been sent before the newer revision came';
  const attempt = { at: clock.now(), outcome: 'exhausted' as const, reason: 'superseded', error, status: null };
  // A consumer that was killed has left no other trace of what it sent.
  if (isRedriveInDoubt(dead)) await ledger.addFailure(fileId, record, attempt, undefined);
  if (correction && correction.id !== begun && isCorrectionInDoubt(dead)) {
    await ledger.addFailure(fileId, record, { ...attempt, correctionId: correction.id }, undefined);
  }
  await ledger.resolveDead(fileId, record, supersededBy(by));
}
