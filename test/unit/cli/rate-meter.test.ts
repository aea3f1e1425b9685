import { expect, test } from 'vitest';
import { RateMeter, secondsLeft } from '../../../cli/terminal/rate-meter.ts';

/** Counts that grow by whole batches, as two consumers settle them. */
function staircase(meter: RateMeter, seconds: number, perSecond: number, step: number): void {
  for (let tick = 0; tick <= seconds * 2; tick++) {
    meter.add(tick * 500, Math.floor((tick * 0.5 * perSecond) / step) * step);
  }
}

test('has no rate before it has enough samples', () => {
  const meter = new RateMeter();
  staircase(meter, 8, 300, 500);
  expect(meter.perSecond()).toBeUndefined();
});

test('evens out counts that grow by batches', () => {
  for (const seconds of [20, 30, 60]) {
    const meter = new RateMeter();
    staircase(meter, seconds, 300, 1000);
    expect(meter.perSecond()).toBeGreaterThan(270);
    expect(meter.perSecond()).toBeLessThan(330);
  }
});

test('does so at ten a second as well, if a batch takes half a minute', () => {
  for (const seconds of [150, 200, 300, 3_600]) {
    const meter = new RateMeter();
    staircase(meter, seconds, 10, 300);
    expect(meter.perSecond()).toBeGreaterThan(9);
    expect(meter.perSecond()).toBeLessThan(11);
  }
});

test('has no rate after one step, or two', () => {
  const meter = new RateMeter();
  staircase(meter, 119, 10, 300);
  expect(meter.perSecond()).toBeUndefined();
});

test('notices a standstill within half a minute, and forgets the earlier rate after five', () => {
  const meter = new RateMeter();
  staircase(meter, 60, 300, 1);
  for (let tick = 1; tick <= 60; tick++) meter.add(60_000 + tick * 500, 18_000);
  expect(meter.perSecond()).toBeLessThan(100);
  for (let tick = 1; tick <= 601; tick++) meter.add(90_000 + tick * 500, 18_000);
  expect(meter.perSecond() ?? 0).toBeCloseTo(0, 5);
});

test('does not count the time before the first record as slowness', () => {
  const meter = new RateMeter();
  for (let tick = 0; tick < 100; tick++) meter.add(tick * 500, 0);
  expect(meter.perSecond()).toBeUndefined();
});

test('time left', () => {
  expect(secondsLeft(300, 100)).toBe(3);
  expect(secondsLeft(0, undefined)).toBe(0);
  expect(secondsLeft(5, 0)).toBeUndefined();
  expect(secondsLeft(5, undefined)).toBeUndefined();
});
