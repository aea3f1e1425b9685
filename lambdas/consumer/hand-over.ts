import { signed } from '../core/authenticity.ts';
import { carryPauses } from '../core/limiter/pause-evidence.ts';
import { successorDelaySeconds } from '../core/limiter/retry.ts';
import type { BatchMessage } from '../messages.ts';
import type { BatchAttempt } from './batch-attempt.ts';
import type { SendEnd } from './sendable.ts';

/**
 * Hands the rest of the batch to a successor. Saves progress first, then sends the successor: if killed in between, this
 * message comes back and finds the progress.
 */
export async function handOver(attempt: BatchAttempt, end: SendEnd, failures: number): Promise<void> {
  const { message, journal, file, ports } = attempt;
  await journal.handOver();
  const delaySeconds = successorDelay(attempt, end, failures);
  const { pauses: _, ...rest } = message;
  const pauses = carryPauses(end.pauses);
  const carried = pauses.length > 0 ? { ...rest, pauses } : rest;
  const successor = signed<BatchMessage>({ ...carried, attempt: message.attempt + 1, failures }, file);
  await ports.batches.sendSuccessor(successor, delaySeconds);
  ports.log.info('batch handed over', {
    ...attempt.logged,
    failures,
    why: end.stopped?.kind ?? 'failures',
    delay_seconds: Math.ceil(delaySeconds),
  });
}

/** Seconds. */
function successorDelay(attempt: BatchAttempt, end: SendEnd, failures: number): number {
  const { message, ports } = attempt;
  const secondsUntil = (timeMs: number) => (timeMs - ports.clock.now()) / 1000;
  return Math.max(
    0,
    end.stopped?.kind === 'paused' ? secondsUntil(end.stopped.untilMs) : 0,
    failures > message.failures ? successorDelaySeconds(failures, ports.random()) : 0,
    // For a record that may have been sent, the successor treats a 409 as our own success, so it must not begin while a
    // try may still be in progress.
    secondsUntil(end.ambiguousUntilMs ?? 0),
    secondsUntil(restUntilMs(attempt, end)),
  );
}

/** If only records are left for which the API asked to wait: how long the first of them waits. */
function restUntilMs(attempt: BatchAttempt, { pauses }: SendEnd): number {
  const left = attempt.left();
  if (!left.every((place) => pauses.has(place))) return 0;
  return Math.min(...left.map((place) => pauses.get(place)?.untilMs ?? 0));
}
