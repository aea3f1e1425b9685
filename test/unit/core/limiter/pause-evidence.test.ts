import { describe, expect, it } from 'vitest';
import type { PauseEvidence } from '../../../../lambdas/core/limiter/pause-evidence.ts';
import { carryPauses, isOwnPause, judgePause, pausesOf } from '../../../../lambdas/core/limiter/pause-evidence.ts';

const hourMs = 3_600_000;

/** The API asks to wait, again and again; between two times others pass and are asked to wait so often. */
function judge(times: number, others: { passes: number; pauses: number }): PauseEvidence {
  let [evidence, passes, pauses] = [judgePause(undefined, { passes: 0, pauses: 0 }, 0), 0, 0];
  for (let time = 0; time < times; time++) {
    passes += others.passes;
    pauses += others.pauses;
    evidence = judgePause(evidence, { passes, pauses }, 0);
  }
  return evidence;
}

describe('a record for which the API asks to wait', () => {
  it('is the cause once others pass three times between, and sooner the more of them', () => {
    expect([1, 2, 3].map((times) => isOwnPause(judge(times, { passes: 25, pauses: 0 }), 0, false))).toEqual([
      false,
      false,
      true,
    ]);
    expect(isOwnPause(judge(2, { passes: 150, pauses: 0 }), 0, false)).toBe(true);
  });

  it('is not the cause if others are asked to wait as well, or none passes', () => {
    expect(isOwnPause(judge(8, { passes: 20, pauses: 10 }), 0, false)).toBe(false);
    expect(isOwnPause(judge(1_000, { passes: 0, pauses: 0 }), 0, false)).toBe(false);
    expect(isOwnPause(judge(1_000, { passes: 0, pauses: 3 }), 0, false)).toBe(false);
  });

  it('is the cause if it is alone and has waited for longer than maintenance takes', () => {
    const alone = judge(20, { passes: 0, pauses: 0 });
    expect([2, 5, 6].map((hours) => isOwnPause(alone, hours * hourMs, true))).toEqual([false, false, true]);
    expect(isOwnPause(alone, 6 * hourMs, false)).toBe(false);
  });

  it('is not judged by counts that were reset', () => {
    const before = judgePause(undefined, { passes: 900, pauses: 9 }, 0);
    expect(judgePause(before, { passes: 3, pauses: 0 }, 0)).toMatchObject({ digits: 0, passes: 3, pauses: 0 });
  });
});

describe('the evidence about pauses', () => {
  it('is passed on with a batch, for many records the strongest evidence', () => {
    const evidence = (digits: number) => ({ digits, passes: 7, pauses: 2, sinceMs: 1_000, untilMs: 61_000 });
    const many = new Map(Array.from({ length: 60 }, (_, place) => [place, evidence(place / 10)]));
    const carried = carryPauses(many);
    expect(carried).toHaveLength(40);
    expect(pausesOf(carried)).toEqual(new Map([...many].slice(20)));
    expect(pausesOf(undefined)).toEqual(new Map());
  });
});
