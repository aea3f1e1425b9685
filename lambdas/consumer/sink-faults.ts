import type { BreakerAnswer } from '../core/limiter/breaker-answer.ts';
import type { TokenFault } from '../core/limiter/breaker.ts';
import type { SinkAnswer } from '../ports.ts';
import type { Parked } from './sendable.ts';

export type AnswerOf<Kind extends SinkAnswer['kind']> = Extract<SinkAnswer, { kind: Kind }>;

export type AskingToWait = AnswerOf<'failed' | 'throttled'> & { retryAfterMs: number };

/** Whether the API says when to try again: until then, waiting is not a failure. */
export function asksToWait(answer: SinkAnswer): answer is AskingToWait {
  return (answer.kind === 'failed' || answer.kind === 'throttled') && (answer.retryAfterMs ?? 0) > 0;
}

/** How a try failed, in the words of a letter. */
export type Fault = Pick<Parked, 'status' | 'reason'> & { answer?: string | undefined };

export function faultOf(answer: SinkAnswer): Fault {
  const { status } = answer;
  const named = answer.kind === 'no-token' ? 'no_token' : `http_${status}`;
  const reason = answer.kind === 'failed' ? answer.reason : named;
  return { status, reason, answer: 'answer' in answer ? answer.answer : undefined };
}

/** What the breaker keeps of it. */
export function breakerAnswerOf(answer: SinkAnswer): BreakerAnswer {
  const { status, reason, answer: text } = faultOf(answer);
  return { status, text: text ?? (answer.kind === 'failed' ? reason : '') };
}

/** What a probe's answer shows about the API. */
export function probeEndOf({ kind }: SinkAnswer): 'accepted' | 'refused' | 'failed' {
  if (kind === 'uploaded' || kind === 'duplicate') return 'accepted';
  return kind === 'refused' || kind === 'in-progress' ? 'refused' : 'failed';
}

/** What is wrong with the token, by an answer. */
export function tokenFaultOf({ kind }: SinkAnswer): TokenFault | undefined {
  if (kind === 'no-token') return 'no_token';
  return kind === 'unauthorised' ? 'unauthorised' : undefined;
}
