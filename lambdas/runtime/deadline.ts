/** How long an invocation has left. Lambda sends no SIGTERM when the time is up: long work must check this. */
export interface Deadline {
  /** Milliseconds until the function is cut off. */
  remainingMs(): number;
  /** True once no new work may begin: the remaining time is for finishing, saving and handing over. */
  isDrawingIn(): boolean;
}

/** The longest reserve for the end: enough for a few calls that are throttled and retried. Milliseconds. */
const longestReserveMs = 20_000;

/** The shortest reserve: with less, even successful calls may not end in time. Milliseconds. */
const shortestReserveMs = 2_000;

/** A quarter of the time, within these bounds; but half of a very short time, so that some work is always done. */
export function reserveMs(timeMs: number): number {
  const wanted = Math.max(shortestReserveMs, timeMs / 4);
  return Math.min(longestReserveMs, wanted, timeMs / 2);
}

/** @param shutdown a process that is asked to end has little time too */
export function deadlineOf(
  context: { getRemainingTimeInMillis(): number },
  shutdown: { isRequested: boolean },
): Deadline {
  const reserve = reserveMs(context.getRemainingTimeInMillis());
  return {
    remainingMs: () => context.getRemainingTimeInMillis(),
    isDrawingIn: () => shutdown.isRequested || context.getRemainingTimeInMillis() <= reserve,
  };
}
