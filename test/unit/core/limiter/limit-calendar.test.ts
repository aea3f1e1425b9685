import { describe, expect, it } from 'vitest';
import type { LimitCalendar } from '../../../../lambdas/core/limiter/limit-calendar.ts';
import { calendarAt, calendarMark, policyLagMs } from '../../../../lambdas/core/limiter/limit-calendar.ts';

const at = (iso: string) => Date.parse(iso);
const minutes = (hour: number, minute = 0) => hour * 60 + minute;
const windowSeconds = 60;
/** A decrease comes by this much early. */
const earlyMs = windowSeconds * 1000 + policyLagMs;

const byDay: LimitCalendar = {
  timeZone: 'America/New_York',
  entries: [{ from: minutes(6), to: minutes(18), requests: 300 }],
};
const requestsAt = (calendar: LimitCalendar, atMs: number) => calendarAt(calendar, windowSeconds, atMs).requests;

describe('an entry', () => {
  it('begins a window and 5 s early, and ends 5 s late', () => {
    const [begin, end] = [at('2026-01-05T06:00:00-05:00'), at('2026-01-05T18:00:00-05:00')];
    expect(calendarAt(byDay, windowSeconds, begin - earlyMs - 1)).toEqual({
      requests: undefined,
      until: begin - earlyMs,
    });
    expect(calendarAt(byDay, windowSeconds, begin - earlyMs)).toEqual({ requests: 300, until: end + policyLagMs });
    expect(calendarAt(byDay, windowSeconds, end + policyLagMs).requests).toBeUndefined();
  });

  it('uses the clock of its place when daylight saving begins and ends', () => {
    // 8 March 2026: clocks go forward; 1 November 2026: back.
    for (const day of ['2026-03-08T06:00:00-04:00', '2026-11-01T06:00:00-05:00']) {
      expect(requestsAt(byDay, at(day) - earlyMs - 1), day).toBeUndefined();
      expect(requestsAt(byDay, at(day) - earlyMs), day).toBe(300);
    }
  });

  it('lasts through both possible times when its time occurs twice', () => {
    const night = { ...byDay, entries: [{ from: minutes(1), to: minutes(1, 30), requests: 300 }] };
    // 01:00 to 01:30 comes twice: the first time at UTC-4, the second at UTC-5.
    expect(requestsAt(night, at('2026-11-01T01:00:00-04:00'))).toBe(300);
    expect(requestsAt(night, at('2026-11-01T01:45:00-04:00'))).toBe(300);
    expect(requestsAt(night, at('2026-11-01T01:30:00-05:00') + policyLagMs)).toBeUndefined();
  });

  it('continues past midnight, into a day that is not among its days', () => {
    const fridays = {
      ...byDay,
      entries: [{ from: minutes(22), to: minutes(2), days: ['fri' as const], requests: 60 }],
    };
    expect(requestsAt(fridays, at('2026-01-09T23:00:00-05:00'))).toBe(60);
    expect(requestsAt(fridays, at('2026-01-10T01:59:00-05:00'))).toBe(60);
    expect(requestsAt(fridays, at('2026-01-10T23:00:00-05:00'))).toBeUndefined();
    const next = at('2026-01-16T22:00:00-05:00') - earlyMs;
    expect(calendarAt(fridays, windowSeconds, at('2026-01-10T12:00:00-05:00')).until).toBe(next);
  });

  it('that begins when another ends leaves no gap; of two, the lower applies', () => {
    const entries = [
      { from: minutes(6), to: minutes(12), requests: 300 },
      { from: minutes(12), to: minutes(18), requests: 400 },
      { from: minutes(8), to: minutes(9), requests: 100 },
    ];
    const calendar = { timeZone: 'UTC', entries };
    const noon = at('2026-01-05T12:00:00Z');
    expect([-1, 0, policyLagMs - 1, policyLagMs].map((ms) => requestsAt(calendar, noon + ms))).toEqual([
      300, 300, 300, 400,
    ]);
    expect(requestsAt(calendar, at('2026-01-05T08:30:00Z'))).toBe(100);
    expect(calendarAt(calendar, windowSeconds, at('2026-01-05T08:30:00Z')).until).toBe(
      at('2026-01-05T09:00:00Z') + policyLagMs,
    );
  });
});

it('a calendar that never changes has no next change', () => {
  const always = { timeZone: 'UTC', entries: [{ from: 0, to: 0, requests: 10 }] };
  expect(calendarAt(always, windowSeconds, at('2026-01-05T00:00:00Z'))).toMatchObject({ requests: 10 });
});

it('different calendars have different marks', () => {
  const later = { ...byDay, entries: [{ from: minutes(7), to: minutes(18), requests: 300 }] };
  expect(new Set([undefined, byDay, later, { ...byDay, timeZone: 'UTC' }].map(calendarMark)).size).toBe(4);
});
