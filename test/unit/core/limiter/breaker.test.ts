import { describe, expect, it } from 'vitest';
import type { FailureDetails } from '../../../../lambdas/core/limiter/breaker.ts';
import { FailureRun } from '../../../../lambdas/core/limiter/breaker.ts';

const records = (count: number) => Array.from({ length: count }, (_, index) => `r${index}`);

describe('a run of failures', () => {
  const details = (more: Partial<FailureDetails>): FailureDetails => ({
    isSuspect: false,
    othersLeft: 100,
    answeredAtMs: 5,
    ...more,
  });

  it('of records that have failed before is an outage at fifty, and is not counted over all consumers', () => {
    const run = new FailureRun();
    const suspect = details({ isSuspect: true });
    expect(new Set(records(49).map((record) => run.failure('outage', record, 5, suspect)))).toEqual(new Set(['again']));
    expect(run.failure('outage', 'r49', 5, suspect)).toBe('opens');
  });

  it('at the end of a batch whose other records passed is ignored; in the next batch it counts', () => {
    const run = new FailureRun();
    run.begin();
    run.success(4);
    const last = details({ othersLeft: 3 });
    expect(new Set(records(12).map((record) => run.failure('outage', record, 5, last)))).toEqual(new Set(['again']));
    run.begin();
    expect(records(12).map((record) => run.failure('outage', record, 5, last))).toContain('opens');
  });

  it('asks the other consumers from the second record on, until one passes', () => {
    const run = new FailureRun();
    run.failure('throttled', 'r0', 5);
    expect(run.isAsking).toBe(false);
    run.failure('throttled', 'r1', 5);
    expect(run.isAsking).toBe(true);
    run.accepted(6);
    expect(run.isAsking).toBe(false);
  });

  it('of refused tokens opens at ten records, or at four answers for each if there are fewer', () => {
    const many = new FailureRun();
    expect(records(9).map((record) => many.failure('unauthorised', record, 5))).not.toContain('opens');
    expect(many.failure('unauthorised', 'r9', 5)).toBe('opens');
    const lone = new FailureRun();
    const alone = details({ othersLeft: 0 });
    const counted = [1, 2, 3, 4].map(() => lone.failure('unauthorised', 'r0', 5, alone));
    expect(counted).toEqual(['counts', 'again', 'again', 'opens']);
  });

  it('of refusals counts only if they are the same, and longer if a file is refused in part', () => {
    const run = new FailureRun();
    const opensAfter = (status: (nth: number) => number) => {
      for (let nth = 1; nth <= 400; nth++) if (run.refusal(status(nth), `r${nth}`, 5).isEnough) return nth;
      return Infinity;
    };
    expect(opensAfter((nth) => 400 + (nth % 6))).toBe(Infinity);
    run.restart();
    // One of two machines answers so, the other differently.
    expect(opensAfter((nth) => (nth % 2 ? 404 : 410))).toBe(159);
    run.restart();
    expect(opensAfter(() => 404)).toBe(80);
    run.restart();
    for (let round = 0; round < 20; round++) {
      for (let nth = 0; nth < 9; nth++) run.refusal(422, `${round} ${nth}`, 5);
      run.accepted(6);
    }
    expect(opensAfter(() => 422)).toBeGreaterThan(160);
  });

  it('is an outage at ten different records', () => {
    const run = new FailureRun();
    expect(records(9).map((record) => run.failure('outage', record, 5))).not.toContain('opens');
    expect(run.failure('outage', 'r0', 6)).toBe('again');
    expect(run.failure('outage', 'r9', 6)).toBe('opens');
  });

  it('ends with a success', () => {
    const run = new FailureRun();
    for (const record of records(9)) run.failure('outage', record, 5);
    run.success(6);
    expect(run.failure('outage', 'r9', 7)).toBe('counts');
  });

  it('does not count requests that were sent before the last success, such as timeouts at a batch’s end', () => {
    const run = new FailureRun();
    run.success(2_000);
    expect(records(40).map((record) => run.failure('outage', record, 1_500))).not.toContain('opens');
    // Sent after it, they are the API's last word.
    expect(records(10).map((record) => run.failure('outage', record, 2_001))).toContain('opens');
  });
});
