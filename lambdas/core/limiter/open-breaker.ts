import { momentText } from '../deadlines/deadline-text.ts';
import type { BreakerReason } from './breaker.ts';
import type { BreakerAnswer } from './breaker-answer.ts';
import type { LimiterItem } from './limiter-item.ts';

/** Why nothing is sent to an API, for the log, the desk and every screen. */
export interface OpenBreaker {
  reason: BreakerReason;
  /** Absent if an earlier version opened it. Milliseconds since 1970, as are the other times. */
  sinceMs?: number;
  /** When the next probe is due; in the past if no consumer has made it yet. */
  nextProbeMs: number;
  /** What the API answered when the breaker opened, or to the latest probe. */
  answer?: BreakerAnswer;
}

/** Undefined if it is closed. */
export function openBreakerOf(item: LimiterItem): OpenBreaker | undefined {
  if (item.breaker !== 'open') return undefined;
  const { reason = 'outage', openedAt, openUntil = 0, pausedUntil = 0, answer, answerStatus } = item;
  return {
    reason,
    ...(openedAt === undefined ? {} : { sinceMs: openedAt }),
    nextProbeMs: Math.max(openUntil, pausedUntil),
    ...(answer === undefined ? {} : { answer: { status: answerStatus ?? null, text: answer } }),
  };
}

/** What the API does, in words. */
const reasonTexts: Record<BreakerReason, string> = {
  throttled: 'it keeps answering 429',
  unauthorised: 'it refuses the token',
  no_token: 'the secret with its token cannot be used',
  outage: 'it fails on every record',
  refusing: 'it refuses every record, with the same status',
};

/** `it refuses the token: 401 "token expired"`; if nothing was sent, the reason for that. */
export function whyOpen({ reason, answer }: Pick<OpenBreaker, 'reason' | 'answer'>): string {
  if (!answer) return reasonTexts[reason];
  const { status, text } = answer;
  if (reason === 'no_token' || status === 0) return text;
  if (status === null) return `${reasonTexts[reason]}: no answer (${text})`;
  return `${reasonTexts[reason]}: ${[String(status), ...(text === '' ? [] : [`"${text}"`])].join(' ')}`;
}

/**
 * `Nothing is sent to the API since 03:12 (5 min ago): it refuses the token: 401 "expired". The next probe is due at 03:18
 * (in 40 s).`
 * @param api whose it is, in words
 * @param timeZone in which times are shown; undefined: UTC, which is named
 * @param isPaused whether operators have paused every feed that could send the probe
 */
export function breakerText(
  api: string,
  breaker: OpenBreaker,
  timeZone: string | undefined,
  nowMs: number,
  isPaused: boolean,
): string {
  const { sinceMs, nextProbeMs } = breaker;
  const since = sinceMs === undefined ? '' : ` since ${momentText(sinceMs, timeZone, nowMs)}`;
  const due = isPaused
    ? 'is sent after a resume'
    : nextProbeMs > nowMs
      ? `is due at ${momentText(nextProbeMs, timeZone, nowMs)}`
      : 'is due now';
  return `Nothing is sent to ${api}${since}: ${whyOpen(breaker)}. The next probe ${due}.`;
}
