import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DueFile, ExpectedFile } from '../../../../lambdas/core/nights/expected-files.ts';
import { dueBetween } from '../../../../lambdas/core/nights/expected-files.ts';

/** For a longer run than CI's. */
const more = Number(process.env['PROPERTY_RUNS'] ?? 1);

const hourMs = 3_600_000;

const wabc = (given: Partial<ExpectedFile> = {}): ExpectedFile => ({
  name: 'WABC',
  key: 'WABC_{yyyyMMdd+1}*.csv',
  by: { hour: 2, minute: 0, timeZone: 'America/New_York' },
  records: 1,
  ...given,
});

const at = (given: Partial<ExpectedFile>, after: string, until: string) =>
  dueBetween([wabc(given)], Date.parse(after), Date.parse(until)).map(
    ({ day, dueAt, key }) => `${day} ${new Date(dueAt).toISOString().slice(0, 16)}Z ${key}`,
  );

describe('expected files', () => {
  it('are due once a day, with the dates of their day, over the end of a month', () => {
    expect(at({}, '2026-11-29T07:00:00Z', '2026-12-01T07:00:00Z')).toEqual([
      '2026-11-30 2026-11-30T07:00Z WABC_20261201*.csv',
      '2026-12-01 2026-12-01T07:00Z WABC_20261202*.csv',
    ]);
  });

  it('are not due on other days of the week than theirs', () => {
    expect(at({ days: ['mon', 'sat'] }, '2026-11-27T00:00:00Z', '2026-12-04T00:00:00Z')).toEqual([
      '2026-11-28 2026-11-28T07:00Z WABC_20261129*.csv',
      '2026-11-30 2026-11-30T07:00Z WABC_20261201*.csv',
    ]);
  });

  // Clocks in New York went from 02:00 to 03:00 at 07:00Z on 8 March 2026, and from 02:00 to 01:00 at 06:00Z on 1 November.
  it('are due when clocks have passed a time that they skip', () => {
    const by = { hour: 2, minute: 30, timeZone: 'America/New_York' };
    expect(at({ by }, '2026-03-07T12:00:00Z', '2026-03-09T12:00:00Z')).toEqual([
      '2026-03-08 2026-03-08T07:00Z WABC_20260309*.csv',
      '2026-03-09 2026-03-09T06:30Z WABC_20260310*.csv',
    ]);
  });

  it('are due the first time that clocks show a time twice', () => {
    const by = { hour: 1, minute: 30, timeZone: 'America/New_York' };
    expect(at({ by }, '2026-10-31T12:00:00Z', '2026-11-02T12:00:00Z')).toEqual([
      '2026-11-01 2026-11-01T05:30Z WABC_20261102*.csv',
      '2026-11-02 2026-11-02T06:30Z WABC_20261103*.csv',
    ]);
  });

  it('are not due on a day that the place skipped when it moved across the date line', () => {
    const by = { hour: 2, minute: 0, timeZone: 'Pacific/Apia' };
    expect(at({ by, key: '{yyyyMMdd}' }, '2011-12-29T00:00:00Z', '2012-01-01T00:00:00Z')).toEqual([
      '2011-12-29 2011-12-29T12:00Z 20111229',
      '2011-12-31 2011-12-30T12:00Z 20111231',
      '2012-01-01 2011-12-31T12:00Z 20120101',
    ]);
  });

  it('come in the order of time if there are several', () => {
    const early = wabc({ name: 'early', by: { hour: 0, minute: 0, timeZone: 'Asia/Tokyo' } });
    const dues = dueBetween([wabc(), early], Date.parse('2026-06-01T00:00:00Z'), Date.parse('2026-06-02T12:00:00Z'));
    expect(dues.map(({ name, day }) => `${name} ${day}`)).toEqual([
      'WABC 2026-06-01',
      'early 2026-06-02',
      'WABC 2026-06-02',
    ]);
  });

  it('take a file without a date in its key for the nearest time', () => {
    const [friday, monday] = dueBetween(
      [wabc({ key: 'export.csv', days: ['mon', 'fri'] })],
      Date.parse('2026-11-26T12:00:00Z'),
      Date.parse('2026-12-01T00:00:00Z'),
    );
    expect(friday?.arrivesUntil).toBe(Date.parse('2026-11-28T19:00:00Z'));
    expect(monday?.arrivesAfter).toBe(friday?.arrivesUntil);
  });

  it('take a file without a date in its key for one time only, whatever clocks do', () => {
    fc.assert(
      fc.property(zones, clocks, nearClockChange, (timeZone, clock, from) => {
        const file = wabc({ key: 'export.csv', by: { ...clock, timeZone } });
        const dues = dueBetween([file], from, from + 96 * hourMs);
        for (const [index, due] of dues.entries()) {
          expect(due.arrivesAfter).toBeLessThan(due.dueAt);
          expect(due.arrivesUntil).toBeGreaterThan(due.dueAt);
          const next = dues[index + 1];
          if (next) expect(next.arrivesAfter).toBe(due.arrivesUntil);
        }
      }),
      { numRuns: 50 * more },
    );
  });

  it.each(['of the night', 'of the day'])(
    'are due once on each day of every zone at a time %s, and never twice where two runs meet',
    (time) => {
      const hours = time === 'of the night' ? { min: 0, max: 3 } : { min: 4, max: 23 };
      for (const timeZone of Intl.supportedValuesOf('timeZone')) {
        fc.assert(
          fc.property(fc.integer(hours), minutes, nearClockChange, someHours, someHours, (hour, minute, from, a, b) => {
            const file = wabc({ by: { hour, minute, timeZone } });
            const [middle, end] = [from + a * hourMs, from + (a + b) * hourMs];
            const dues = dueBetween([file], from, end);
            expect([...dueBetween([file], from, middle), ...dueBetween([file], middle, end)]).toEqual(dues);
            expectEachDay(dues, hour, minute, timeZone);
          }),
          { numRuns: more },
        );
      }
    },
  );
});

const zones = fc.constantFrom(...Intl.supportedValuesOf('timeZone'));
const minutes = fc.integer({ min: 0, max: 59 });
const clocks = fc.record({ hour: fc.integer({ min: 0, max: 23 }), minute: minutes });
const someHours = fc.integer({ min: 0, max: 72 });

/** Most clocks change in one of these weeks; some hours before and after them as well. */
const nearClockChange = fc
  .record({
    year: fc.integer({ min: 1995, max: 2036 }),
    week: fc.constantFrom('03-08', '03-25', '04-01', '09-24', '10-01', '10-25', '11-01'),
    hours: fc.integer({ min: 0, max: 168 }),
  })
  .map(({ year, week, hours }) => Date.parse(`${year}-${week}T00:00:00Z`) + hours * hourMs);

function expectEachDay(dues: readonly DueFile[], hour: number, minute: number, timeZone: string): void {
  const shown = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'short' });
  const clock = [hour, minute].map((part) => String(part).padStart(2, '0')).join(':');
  expect(new Set(dues.map(({ day }) => day)).size).toBe(dues.length);
  for (const [index, { day, dueAt }] of dues.entries()) {
    const wanted = `${day} ${clock}`;
    const before = shown.format(dueAt - 60_000);
    // A skipped time is due at the end of the gap: just before, clocks still show an earlier one.
    if (shown.format(dueAt) !== wanted) expect([shown.format(dueAt) > wanted, before < wanted]).toEqual([true, true]);
    const next = dues[index + 1];
    if (next) expect(next.dueAt - dueAt).toBeLessThanOrEqual(26 * hourMs);
  }
}
