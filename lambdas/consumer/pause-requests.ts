import type { FailureRun } from '../core/limiter/breaker.ts';
import {
  isDubious,
  isOwnPause,
  judgePause,
  longestDubiousPauseMs,
  othersFirstMs,
} from '../core/limiter/pause-evidence.ts';
import type { AuditLog, Clock, Limiter } from '../ports.ts';
import type { OpenRecord, RecordQueue } from './record-queue.ts';
import type { RecordTries } from './record-tries.ts';
import type { Sendable } from './sendable.ts';
import { patienceMs } from './sender-times.ts';
import type { SlotPacer } from './slot-pacer.ts';

/** See `PauseEvidence`: how much each pause adds for a letter that has failed before. */
const letterDigits = 2;

interface PauseOptions {
  limiter: Limiter;
  clock: Clock;
  log: AuditLog;
  run: FailureRun;
  pacer: SlotPacer;
  queue: RecordQueue;
  tries: RecordTries;
}

/** The API's requests to wait: usually they mean everyone, sometimes only the record that was sent. */
export class PauseRequests {
  readonly #options: PauseOptions;
  /** Milliseconds since 1970. */
  #pausedAt = 0;

  constructor(options: PauseOptions) {
    this.#options = options;
  }

  /**
   * Whether the API asks for a pause because of this record alone. Requests that were in flight at the previous pause prove
   * nothing new.
   */
  async isOwn(record: OpenRecord, pauseMs: number, sentAt: number): Promise<boolean> {
    const { clock, limiter, run, tries, queue } = this.#options;
    // Without the others' counts there is no verdict, and everyone waits.
    const others = sentAt > this.#pausedAt ? await limiter.countOthers().catch(() => undefined) : undefined;
    const now = clock.now();
    if (others) {
      const judged = judgePause(record.pauses, others, now);
      // A letter has failed before: others need not wait for it repeatedly.
      if (tries.isLetter(record)) judged.digits += letterDigits;
      record.pauses = judged;
      run.troubles.askedToWait(record.requestId, judged);
    }
    const { pauses } = record;
    if (!pauses) return false;
    const isOwn = isOwnPause(pauses, now, queue.fresh === 0);
    // If the pause is the record's own, only the API's time applies; else others go first.
    pauses.untilMs = now + pauseMs + (isOwn || pauseMs <= patienceMs ? 0 : othersFirstMs);
    return isOwn;
  }

  /**
   * Pauses all sending for that long. @returns false for the answer to a request that was in flight when the pause was set
   */
  async pauseAll({ pauses }: OpenRecord, pauseMs: number, sentAt: number): Promise<boolean> {
    const { clock, limiter, log, pacer } = this.#options;
    const isNews = sentAt > this.#pausedAt;
    pacer.drop();
    if (isNews) this.#pausedAt = clock.now();
    const dubious = pauses !== undefined && isDubious(pauses);
    const waitMs = Math.max(dubious ? Math.min(pauseMs, longestDubiousPauseMs) : pauseMs, 1);
    await limiter.pauseUntil(clock.now() + waitMs, isNews && !dubious);
    if (isNews) log.warn('the API asks to slow down', { pause_ms: waitMs, asked_ms: pauseMs });
    return isNews;
  }
}

/**
 * The records with what earlier attempts found out about pauses. After a pause, other records go first: records for which
 * the API asks to wait would pause everything again.
 */
export async function withEarlierPauses(
  sendables: readonly Sendable[],
  { limiter, clock, run }: Pick<PauseOptions, 'limiter' | 'clock' | 'run'>,
): Promise<Sendable[]> {
  const isAsked = sendables.some(({ pauses }) => pauses);
  const others = isAsked ? await limiter.countOthers().catch(() => undefined) : undefined;
  const restUntilMs = (others?.pausedUntilMs ?? -Infinity) + othersFirstMs;
  return sendables.map((sendable) => {
    const { pauses, requestId } = sendable;
    if (!pauses) {
      const known = run.troubles.pausesOf(requestId);
      return known ? { ...sendable, pauses: known } : sendable;
    }
    const isOwn = isOwnPause(pauses, clock.now(), false);
    return { ...sendable, pauses: { ...pauses, untilMs: Math.max(pauses.untilMs, isOwn ? -Infinity : restUntilMs) } };
  });
}
