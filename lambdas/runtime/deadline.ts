/** How long an invocation has left. Lambda sends no SIGTERM when time is up: whoever works must look at this. */
export interface Deadline {
  /** Milliseconds until the function is cut off. */
  remainingMs(): number;
  /** True once no new work is to be begun: what is left is for finishing, saving and handing over. */
  isDrawingIn(): boolean;
}

/** Kept back for the end: 20 s, or a quarter of a short time. Milliseconds. */
const longestReserveMs = 20_000;

export function deadlineOf(context: { getRemainingTimeInMillis(): number }): Deadline {
  const reserveMs = Math.min(longestReserveMs, context.getRemainingTimeInMillis() / 4);
  return {
    remainingMs: () => context.getRemainingTimeInMillis(),
    isDrawingIn: () => context.getRemainingTimeInMillis() <= reserveMs,
  };
}
