import { beforeEach, expect, it } from 'vitest';
import { ClockSkew } from '../../../../lambdas/core/limiter/clock-skew.ts';

let skew: ClockSkew;
let trueMs: number;

/** Answers that take 10 ms, at odd times, with a date as old as `dateAgeMs` at most; seen by a clock that is ahead. */
function observe(answers: number, clockAheadMs: number, dateAgeMs = 0): void {
  for (let answer = 0; answer < answers; answer++) {
    trueMs += 337;
    const dated = trueMs + 5 - (answer % 2) * dateAgeMs;
    const sentAt = trueMs + clockAheadMs;
    skew.observe(Math.floor(dated / 1000) * 1000, sentAt, sentAt + 10);
  }
}

beforeEach(() => {
  skew = new ClockSkew(300);
  trueMs = Date.UTC(2026, 0, 5);
});

it('trusts the clock before it has seen a date', () => {
  expect(skew.correctionMs()).toBe(0);
});

it.each([0, 250, -250])('trusts a clock that is %i ms ahead: the margin covers that', (ms) => {
  observe(500, ms);
  expect(skew.correctionMs()).toBe(0);
});

it.each([-400, -5_000, -3_600_000])('measures a clock that is %i ms ahead to a few milliseconds', (ms) => {
  observe(500, ms);
  expect(skew.correctionMs()).toBeGreaterThan(-ms - 60);
  expect(skew.correctionMs()).toBeLessThanOrEqual(-ms);
});

it.each([2_000, 3_600_000])('measures a clock that is %i ms ahead to a second', (ms) => {
  observe(500, ms);
  expect(skew.correctionMs()).toBeGreaterThan(-ms);
  expect(skew.correctionMs()).toBeLessThan(-ms + 1_100);
});

it('detects an offset of an hour from the first answer', () => {
  observe(1, -3_600_000);
  expect(Math.abs(skew.correctionMs() - 3_600_000)).toBeLessThan(2_000);
});

it('is not misled by a server that updates its date once a second', () => {
  observe(500, 0, 990);
  expect(skew.correctionMs()).toBe(0);
});

it('starts again when the clock was set', () => {
  observe(100, -5_000);
  observe(100, 0);
  expect(skew.correctionMs()).toBe(0);
  observe(100, 5_000);
  expect(skew.correctionMs()).toBeLessThan(-3_900);
});
