import { describe, expect, it } from 'vitest';
import { deadlineOf } from '../../../lambdas/runtime/deadline.ts';

describe('a function’s time', () => {
  it.each([
    // The stages' timeouts, and the reserve kept from each: milliseconds.
    [900_000, 20_000],
    [120_000, 20_000],
    [20_000, 5_000],
    // A quarter of a few seconds would be too little to save and hand over in.
    [8_000, 2_000],
    [4_000, 2_000],
    [3_000, 1_500],
    [1_000, 500],
  ])('of %i ms runs out for the last %i', (timeMs, reserveMs) => {
    let remaining = timeMs;
    const deadline = deadlineOf({ getRemainingTimeInMillis: () => remaining }, { isRequested: false });
    expect(deadline.isDrawingIn()).toBe(false);
    remaining = reserveMs + 1;
    expect(deadline.isDrawingIn()).toBe(false);
    remaining = reserveMs;
    expect(deadline.isDrawingIn()).toBe(true);
    expect(deadline.remainingMs()).toBe(reserveMs);
  });
});
