import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FeedDeadline } from '../../../../lambdas/core/deadlines/feed-deadline.ts';
import { deadlineAfter } from '../../../../lambdas/core/deadlines/feed-deadline.ts';

const newYork = (hour: number, minute = 0): FeedDeadline => ({ hour, minute, timeZone: 'America/New_York' });
const iso = (deadline: FeedDeadline, after: string) =>
  new Date(deadlineAfter(deadline, Date.parse(after))).toISOString();

describe('the deadline of a file', () => {
  it('is the next one after it arrived, in winter and in summer', () => {
    expect(iso(newYork(5), '2026-01-05T03:00:00Z')).toBe('2026-01-05T10:00:00.000Z');
    expect(iso(newYork(5), '2026-07-05T03:00:00Z')).toBe('2026-07-05T09:00:00.000Z');
    expect(iso(newYork(5), '2026-01-05T10:00:01Z')).toBe('2026-01-06T10:00:00.000Z');
  });

  it('is a day later if it arrived at exactly that time', () => {
    expect(iso(newYork(5), '2026-01-05T10:00:00Z')).toBe('2026-01-06T10:00:00.000Z');
    expect(iso(newYork(5), '2026-01-05T09:59:59.999Z')).toBe('2026-01-05T10:00:00.000Z');
  });

  // Clocks in New York went from 02:00 to 03:00 at 07:00Z on 8 March 2026, and from 02:00 to 01:00 at 06:00Z on 1 November.
  it('is an hour nearer in the night that clocks go forward, and an hour further when they go back', () => {
    expect(iso(newYork(5), '2026-03-08T03:00:00Z')).toBe('2026-03-08T09:00:00.000Z');
    expect(iso(newYork(5), '2026-11-01T03:00:00Z')).toBe('2026-11-01T10:00:00.000Z');
  });

  it('is the time of the change if clocks skip it', () => {
    expect(iso(newYork(2, 30), '2026-03-08T05:00:00Z')).toBe('2026-03-08T07:00:00.000Z');
    expect(iso(newYork(2, 30), '2026-03-08T07:00:00Z')).toBe('2026-03-09T06:30:00.000Z');
    // Lord Howe Island's clocks go forward by half an hour, at 15:30Z.
    const lordHowe = { hour: 2, minute: 10, timeZone: 'Australia/Lord_Howe' };
    expect(iso(lordHowe, '2026-10-03T12:00:00Z')).toBe('2026-10-03T15:30:00.000Z');
  });

  it('is the first of two if clocks show it twice, and the second does not count', () => {
    expect(iso(newYork(1, 30), '2026-11-01T03:00:00Z')).toBe('2026-11-01T05:30:00.000Z');
    expect(iso(newYork(1, 30), '2026-11-01T05:45:00Z')).toBe('2026-11-02T06:30:00.000Z');
  });

  it('is correct in a zone a day ahead, and near midnight', () => {
    expect(iso({ hour: 0, minute: 0, timeZone: 'Pacific/Kiritimati' }, '2026-05-01T11:00:00Z')).toBe(
      '2026-05-02T10:00:00.000Z',
    );
    expect(iso({ hour: 23, minute: 59, timeZone: 'Pacific/Pago_Pago' }, '2026-05-01T10:58:00Z')).toBe(
      '2026-05-01T10:59:00.000Z',
    );
  });

  it('is within 25 hours, is later for a later file, and shows its time in its zone', () => {
    const zones = [
      'America/New_York',
      'Europe/Berlin',
      'Australia/Lord_Howe',
      'America/St_Johns',
      'UTC',
      'Asia/Kolkata',
    ];
    const year = { min: Date.UTC(2026, 0, 1), max: Date.UTC(2027, 0, 1) };
    fc.assert(
      fc.property(
        fc.constantFrom(...zones),
        // Later than any zone changes its clocks.
        fc.integer({ min: 4, max: 23 }),
        fc.integer({ min: 0, max: 59 }),
        fc.integer(year),
        fc.integer({ min: 0, max: 48 * 3_600_000 }),
        (timeZone, hour, minute, after, later) => {
          const deadline = { hour, minute, timeZone };
          const at = deadlineAfter(deadline, after);
          expect(at).toBeGreaterThan(after);
          expect(at - after).toBeLessThanOrEqual(25 * 3_600_000);
          expect(deadlineAfter(deadline, after + later)).toBeGreaterThanOrEqual(at);
          const shown = new Intl.DateTimeFormat('en-GB', { timeZone, timeStyle: 'medium' }).format(at);
          expect(shown).toBe(`${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}:00`);
        },
      ),
    );
  });
});
