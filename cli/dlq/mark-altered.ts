import { mapAhead } from '../../lambdas/core/at-once.ts';
import { alteredReason } from '../../lambdas/core/dead-letters/dead-history.ts';
import { judgeLetter } from '../../lambdas/dead-letters/judge-letter.ts';
import { letter as letterSchema } from '../../lambdas/messages.ts';
import type { DeadLedger, FileLedger } from '../../lambdas/ports.ts';
import type { DeadMessage } from './dead-message.ts';

type MarkedLedger = Pick<DeadLedger, 'getDead' | 'isNoted'> & Pick<FileLedger, 'getFile'>;

/** Compared with the ledger at once: two reads each. */
const lettersAtOnce = 20;

/** Marks letters that Sluice never sent, or that were changed since, whatever they claim to be. */
export async function markAltered(
  messages: readonly DeadMessage[],
  feed: string,
  ledger: MarkedLedger,
): Promise<DeadMessage[]> {
  const marked = mapAhead(messages, lettersAtOnce, async (message): Promise<DeadMessage> => {
    const carrier = { id: message.message_id, sentAt: Date.parse(message.sent_at) };
    const isAltered =
      message.kind === 'letter' &&
      (await judgeLetter(letterSchema.parse(message), carrier, { ledger, feed })).kind === 'altered';
    return isAltered ? { ...message, reason: alteredReason, error: alteredError } : message;
  });
  return Array.fromAsync(marked);
}

const alteredError = 'Sluice did not send this letter, so it is not tried: delete it in the SQS console';
