/** An amended manifest is written this long after the last resolution of a dead letter. Seconds. */
export const amendAfterSeconds = 20;

/** While letters continue to be resolved, a manifest is written this often. Milliseconds. */
export const gatherAtMostMs = 15 * 60_000;

/** A manifest that was requested and has not been written after this time is requested again. Milliseconds. */
export const askAgainAfterMs = gatherAtMostMs + 5 * 60_000;

/** Until when a manifest waits for more resolutions; undefined if it is due now. Milliseconds since 1970. */
export function gatherUntil(
  file: { lastResolvedAt?: number; amendmentRequestedAt?: number },
  nowMs: number,
): number | undefined {
  if (file.lastResolvedAt === undefined || file.amendmentRequestedAt === undefined) return undefined;
  // Slightly earlier than the requesting message: the message must not arrive before its own wait is over.
  const quietAt = file.lastResolvedAt + (amendAfterSeconds - 2) * 1000;
  const until = Math.min(quietAt, file.amendmentRequestedAt + gatherAtMostMs);
  return until > nowMs ? until : undefined;
}
