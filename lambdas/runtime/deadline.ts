/** How long an invocation has left. Lambda sends no SIGTERM when time is up: whoever works must look at this. */
export interface Deadline {
  /** Milliseconds until the function is cut off. */
  remainingMs(): number;
  /** True once no new work is to be begun: what is left is for finishing, saving and handing over. */
  isDrawingIn(): boolean;
}

/** Kept back for the end: as long as a few calls that are throttled and retried may take. Milliseconds. */
const longestReserveMs = 20_000;

/** Below this not even calls that go well are sure to end in time. Milliseconds. */
const shortestReserveMs = 2_000;

/** A quarter of the time, within these bounds; but half of a very short time, so that something is done in any case. */
export function reserveMs(timeMs: number): number {
  const wanted = Math.max(shortestReserveMs, timeMs / 4);
  return Math.min(longestReserveMs, wanted, timeMs / 2);
}

/** @param shutdown asked to end, the process has little time, too */
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
