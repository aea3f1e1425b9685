/** An amended manifest is written so long after a dead letter was resolved, and no other was since. Seconds. */
export const amendAfterSeconds = 20;

/** While letters go on being resolved, a manifest is written this often. Milliseconds. */
export const gatherAtMostMs = 15 * 60_000;

/** One that was asked for and has not come by then is asked for again. Milliseconds. */
export const askAgainAfterMs = gatherAtMostMs + 5 * 60_000;

/** Until when a manifest waits for more to tell; undefined where it is to be written now. Milliseconds since 1970. */
export function gatherUntil(
  file: { lastResolvedAt?: number; amendmentRequestedAt?: number },
  nowMs: number,
): number | undefined {
  if (file.lastResolvedAt === undefined || file.amendmentRequestedAt === undefined) return undefined;
  // A little sooner than the message that asks: it must not come a moment too early for its own wait.
  const quietAt = file.lastResolvedAt + (amendAfterSeconds - 2) * 1000;
  const until = Math.min(quietAt, file.amendmentRequestedAt + gatherAtMostMs);
  return until > nowMs ? until : undefined;
}
