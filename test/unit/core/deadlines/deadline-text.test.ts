import { describe, expect, it } from 'vitest';
import {
  clockText,
  durationText,
  momentText,
  projectionText,
  zoneText,
} from '../../../../lambdas/core/deadlines/deadline-text.ts';
import type { Projection } from '../../../../lambdas/core/deadlines/projection.ts';

const now = Date.UTC(2026, 0, 5, 3);
const zone = 'America/New_York';
const projection = (doneAt: number | undefined, marginSeconds: number | undefined) =>
  ({ doneAt, marginSeconds }) as Projection;

it.each([
  [40, '40 s'],
  [300, '5 min'],
  [4_800, '1 h 20 min'],
  [7_200, '2 h'],
  [86_399, '1 d'],
  [1_000_000, '11 d 14 h'],
])('%d seconds are %s', (seconds, text) => {
  expect(durationText(seconds)).toBe(text);
});

describe('a time', () => {
  it('is given in the time zone of the feed, with the day if it is another', () => {
    expect(clockText(now + 3_600_000, zone, now)).toBe('23:00');
    expect(clockText(Date.UTC(2026, 0, 5, 8, 40), zone, now)).toBe('5 Jan 03:40');
    expect(clockText(now, undefined, now)).toBe('03:00 UTC');
  });

  it('is given with its distance from now', () => {
    expect(momentText(now - 300_000, zone, now)).toBe('21:55 (5 min ago)');
    expect(momentText(now + 40_000, zone, now)).toBe('22:00 (in 40 s)');
  });

  it('is shown with the name of its zone', () => {
    expect(zoneText(zone, now)).toBe('America/New_York (GMT-5)');
    expect(zoneText('UTC', now)).toBe('UTC');
  });
});

describe('a projection in words', () => {
  it('states when a file is done and how far from its deadline that is', () => {
    const morning = Date.UTC(2026, 0, 5, 6);
    const doneAt = Date.UTC(2026, 0, 5, 8, 40);
    expect(projectionText(projection(doneAt, 4_800), zone, morning)).toBe(
      'done about 03:40 (in 2 h 40 min), 1 h 20 min before the deadline',
    );
    expect(projectionText(projection(doneAt, -7_200), zone, morning)).toBe(
      'LATE by 2 h, done about 03:40 (in 2 h 40 min)',
    );
  });

  it('states what is known', () => {
    expect(projectionText(projection(now, undefined), undefined, now)).toBe('done about 03:00 UTC (now)');
    expect(projectionText(projection(undefined, undefined), zone, now)).toBeUndefined();
    expect(projectionText(projection(undefined, -60), zone, now)).toBe('LATE by 1 min already');
  });
});
