import { describe, expect, it } from 'vitest';
import { FailureRun } from '../../../lambdas/core/breaker.ts';

const records = (count: number) => Array.from({ length: count }, (_, index) => `r${index}`);

describe('a run of failures', () => {
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

  it('does not count requests that were sent before the last success, as time-outs of a batch’s end are', () => {
    const run = new FailureRun();
    run.success(2_000);
    expect(records(40).map((record) => run.failure('outage', record, 1_500))).not.toContain('opens');
    // Sent after it, they are the API's last word.
    expect(records(10).map((record) => run.failure('outage', record, 2_001))).toContain('opens');
  });
});
