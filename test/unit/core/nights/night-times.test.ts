import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FeedDeadline } from '../../../../lambdas/core/deadlines/feed-deadline.ts';
import { instantsOf, localMidnightOf } from '../../../../lambdas/core/deadlines/feed-deadline.ts';
import { nightBegun, nightDueAt, nightEndAfter } from '../../../../lambdas/core/nights/night-times.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** The months in which clocks change somewhere in the world. */
const seasons = [
  [Date.UTC(2026, 1, 10), Date.UTC(2026, 3, 30)],
  [Date.UTC(2026, 8, 1), Date.UTC(2026, 10, 10)],
] as const;

/** A zone's offsets from UTC in these months, day by day. */
function clocksOf(timeZone: string): string {
  const format = new Intl.DateTimeFormat('en', {
    timeZone,
    timeZoneName: 'longOffset',
    hour: 'numeric',
    hourCycle: 'h23',
  });
  const offsets = seasons.flatMap(([from, until]) =>
    Array.from({ length: (until - from) / dayMs }, (_, day) => format.format(from + day * dayMs)),
  );
  return offsets.join(' ');
}

function nightsOf(deadline: FeedDeadline, from: number, until: number): number[] {
  const ends: number[] = [];
  for (let end = nightBegun(from, deadline); end < until; end = nightEndAfter(end, deadline)) ends.push(end);
  return ends;
}

/** Each night ends on the next day by the calendar of its place, when clocks show the deadline or have passed it. */
function expectWhole(deadline: FeedDeadline, ends: readonly number[]): void {
  const { timeZone, hour, minute } = deadline;
  const days = ends.map((end) => {
    // A deadline that is skipped at a day's end comes with the next midnight.
    const day = [0, dayMs].map((back) => localMidnightOf(timeZone, end) - back);
    const at = day.find((each) => instantsOf(timeZone, each + (hour * 60 + minute) * 60_000)[0] === end);
    expect(at, `${timeZone} ${hour}:${minute} ${new Date(end).toISOString()}`).toBeDefined();
    return (at ?? 0) / dayMs;
  });
  days.slice(1).forEach((day, n) => expect(day - (days[n] ?? 0), `${timeZone} ${hour}:${minute}`).toBe(1));
}

describe('nights', () => {
  it('of every zone follow each other without gap or repetition, also when its clocks change', () => {
    const zones = Intl.supportedValuesOf('timeZone');
    expect(zones.length).toBeGreaterThan(400);
    // Most zones have the same clocks as others at that time: one of each kind is enough.
    const kinds = new Map(zones.map((timeZone) => [clocksOf(timeZone), timeZone]));
    expect(kinds.size).toBeGreaterThan(50);
    [...kinds.values()].forEach((timeZone, n) => {
      // Clocks change between 0:00 and 4:00 almost everywhere.
      const deadline = { hour: n % 4, minute: (n * 7) % 60, timeZone };
      for (const [from, until] of seasons) expectWhole(deadline, nightsOf(deadline, from, until));
    });
  });

  it('have any deadline, in any year, in zones with every kind of change', () => {
    const zones = [
      'America/New_York',
      'Australia/Lord_Howe',
      'America/Scoresbysund',
      'Africa/Casablanca',
      'Asia/Beirut',
    ];
    fc.assert(
      fc.property(
        fc.record({
          hour: fc.integer({ min: 0, max: 23 }),
          minute: fc.integer({ min: 0, max: 59 }),
          timeZone: fc.constantFrom(...zones),
        }),
        fc.integer({ min: Date.UTC(2000, 0), max: Date.UTC(2035, 0) }),
        (deadline, from) => expectWhole(deadline, nightsOf(deadline, from, from + 20 * dayMs)),
      ),
      { numRuns: 60 },
    );
  });

  it('begin with the last deadline that has come, and are due five minutes after they end', () => {
    const deadline = { hour: 2, minute: 0, timeZone: 'America/New_York' };
    const begun = nightBegun(Date.parse('2026-11-28T06:59:59Z'), deadline);
    expect(new Date(begun).toISOString()).toBe('2026-11-27T07:00:00.000Z');
    expect(nightBegun(begun, deadline)).toBe(begun);
    expect(new Date(nightDueAt(begun, deadline)).toISOString()).toBe('2026-11-28T07:05:00.000Z');
    expect(new Date(nightDueAt(begun, undefined)).toISOString()).toBe('2026-11-28T00:05:00.000Z');
  });

  it('are longer than half a day and shorter than a day and a half, however a deadline is moved', () => {
    const times = fc.record({
      hour: fc.integer({ min: 0, max: 23 }),
      minute: fc.integer({ min: 0, max: 59 }),
      timeZone: fc.constantFrom('America/New_York', 'Asia/Tokyo', 'Pacific/Kiritimati', 'Pacific/Pago_Pago', 'UTC'),
    });
    fc.assert(
      fc.property(times, times, fc.integer({ min: Date.UTC(2026, 0), max: Date.UTC(2027, 0) }), (was, is, from) => {
        const begun = nightEndAfter(from, was);
        const hours = (nightEndAfter(begun, is) - begun) / hourMs;
        expect(hours).toBeGreaterThanOrEqual(12);
        expect(hours).toBeLessThanOrEqual(37);
      }),
      { numRuns: 300 },
    );
  });
});
