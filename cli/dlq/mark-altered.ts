import { alteredReason } from '../../lambdas/core/dead-letters/dead-history.ts';
import { judgeLetter } from '../../lambdas/dead-letters/judge-letter.ts';
import { letter as letterSchema } from '../../lambdas/messages.ts';
import type { DeadLedger, FileLedger } from '../../lambdas/ports.ts';
import type { DeadMessage } from './dead-message.ts';

type MarkedLedger = Pick<DeadLedger, 'getDead' | 'isNoted'> & Pick<FileLedger, 'getFile'>;

/** Marks letters that Sluice never sent, or that were changed since, whatever they claim to be. */
export async function markAltered(
  messages: readonly DeadMessage[],
  feed: string,
  ledger: MarkedLedger,
): Promise<DeadMessage[]> {
  const marked: DeadMessage[] = [];
  for (const message of messages) {
    const carrier = { id: message.message_id, sentAt: Date.parse(message.sent_at) };
    const isAltered =
      message.kind === 'letter' &&
      (await judgeLetter(letterSchema.parse(message), carrier, { ledger, feed })).kind === 'altered';
    marked.push(isAltered ? { ...message, reason: alteredReason, error: alteredError } : message);
  }
  return marked;
}

const alteredError = 'Sluice did not send this letter, so it is not tried: delete it in the SQS console';
