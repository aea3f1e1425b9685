import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import type { ExpectedFile } from '../../../../lambdas/core/nights/expected-files.ts';
import type { ExpectedNote } from '../../../../lambdas/core/nights/expected-note.ts';
import {
  checkExpected,
  duesToJudge,
  historyBefore,
  noteBeingTold,
} from '../../../../lambdas/core/nights/expected-note.ts';
import type { ArrivedFile } from '../../../../lambdas/core/nights/judge-expected.ts';

/** For a longer run than CI's. */
const more = Number(process.env['PROPERTY_RUNS'] ?? 1);

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
/** 02:00 in New York. */
const due = Date.parse('2026-11-29T07:00:00Z');

const wabc = (
  given: { key?: string; hour?: number; minute?: number; days?: ExpectedFile['days'] } = {},
): ExpectedFile => ({
  name: 'WABC',
  key: given.key ?? 'WABC_{yyyyMMdd}.csv',
  by: { hour: given.hour ?? 2, minute: given.minute ?? 0, timeZone: 'America/New_York' },
  ...(given.days ? { days: given.days } : {}),
  records: 10,
});

const file = (day: string, at: number, given: Partial<ArrivedFile> = {}): ArrivedFile => ({
  fileId: `traffic.${day}`,
  feed: 'traffic',
  state: 'completed',
  source: { bucket: 'intake', key: `traffic/WABC_${day}.csv`, etag: 'e', sizeBytes: 1 },
  createdAt: at,
  totalRecords: 10,
  ...given,
});

let note: ExpectedNote | undefined;
let files: ArrivedFile[];

beforeEach(() => {
  note = undefined;
  files = [];
});

/** As a run of the reconciler does; what it notifies the desk of. It may be killed between the messages and the note. */
function run(now: number, expected: ExpectedFile[] = [wabc()], isKilled = false) {
  const check = checkExpected(expected, note, files, now);
  note = isKilled ? noteBeingTold(check) : check.note;
  const days = (of: typeof check.missed) => of.map(({ due: { day }, state }) => `${day} ${state}`);
  return { missed: days(check.missed), arrived: days(check.arrived), open: check.open };
}

const quiet = { missed: [], arrived: [], open: 0 };
const nightOn = (day: string) => note?.files[0]?.nights.find((night) => night.day === day);
const nights = () => note?.files[0]?.nights.map(({ day, state }) => `${day} ${state}`);

describe('the note of expected files', () => {
  it('invents no missed night from before the first run', () => {
    expect(run(due + minuteMs)).toEqual(quiet);
    expect(run(due + 60 * minuteMs)).toEqual(quiet);
    expect(run(due + dayMs + minuteMs)).toEqual({ missed: ['2026-11-30 missing'], arrived: [], open: 1 });
  });

  it('has a missed file once, and its arrival once', () => {
    run(due - dayMs / 2);
    expect(run(due + minuteMs - 1)).toEqual(quiet);
    expect(run(due + minuteMs)).toEqual({ missed: ['2026-11-29 missing'], arrived: [], open: 1 });
    expect(run(due + 5 * minuteMs)).toEqual({ ...quiet, open: 1 });
    files = [file('20261129', due + 7 * minuteMs)];
    expect(run(due + 10 * minuteMs)).toEqual({ missed: [], arrived: ['2026-11-29 late'], open: 0 });
    expect(run(due + 15 * minuteMs)).toEqual(quiet);
    expect(note?.files[0]?.nights[0]).toMatchObject({ state: 'late', lateBySeconds: 420, fileId: 'traffic.20261129' });
  });

  it('says nothing of a file that came late, but before anybody was notified', () => {
    run(due - dayMs / 2);
    files = [file('20261129', due + 2 * minuteMs)];
    expect(run(due + 5 * minuteMs)).toEqual(quiet);
    expect(nights()).toEqual(['2026-11-29 late']);
  });

  it('judges every day since the last run, if the reconciler did not run for days', () => {
    run(due - dayMs / 2);
    files = [file('20261129', due - minuteMs)];
    expect(run(due + 4 * dayMs + minuteMs)).toEqual({
      missed: ['2026-11-30 missing', '2026-12-01 missing', '2026-12-02 missing', '2026-12-03 missing'],
      arrived: [],
      // The first two days are too long ago: nothing ends their miss any more.
      open: 3,
    });
    expect(nights()).toHaveLength(5);
  });

  it('looks for a missed file for three days, and then counts it as missing', () => {
    run(due - dayMs / 2, [wabc({ days: ['sun'] })]);
    expect(run(due + minuteMs, [wabc({ days: ['sun'] })]).open).toBe(1);
    expect(run(due + 3 * dayMs, [wabc({ days: ['sun'] })])).toEqual(quiet);
    files = [file('20261129', due + 4 * dayMs)];
    expect(run(due + 4 * dayMs, [wabc({ days: ['sun'] })])).toEqual(quiet);
    expect(nights()).toEqual(['2026-11-29 missing']);
  });

  it('has it again if the file that comes has too few records', () => {
    run(due - dayMs / 2);
    run(due + minuteMs);
    files = [file('20261129', due + 2 * minuteMs, { totalRecords: 9 })];
    expect(run(due + 5 * minuteMs)).toEqual({ missed: ['2026-11-29 too_few'], arrived: [], open: 1 });
    expect(run(due + 6 * minuteMs)).toEqual({ ...quiet, open: 1 });
  });

  it('waits for the number of records of a file that is being read', () => {
    run(due - dayMs / 2);
    const { totalRecords: _, ...reading } = file('20261129', due - minuteMs, { state: 'splitting' });
    files = [reading];
    expect(run(due + minuteMs)).toEqual(quiet);
    files = [file('20261129', due - minuteMs, { totalRecords: 3 })];
    expect(run(due + 2 * minuteMs)).toEqual({ missed: ['2026-11-29 too_few'], arrived: [], open: 1 });
    files = [file('20261129', due - minuteMs), ...files];
    expect(run(due + 3 * minuteMs)).toEqual({ missed: [], arrived: ['2026-11-29 met'], open: 0 });
  });

  it('expects a file that is added during the day from then on', () => {
    run(due + minuteMs, []);
    expect(run(due + 60 * minuteMs)).toEqual(quiet);
    expect(run(due + dayMs + minuteMs).missed).toEqual(['2026-11-30 missing']);
  });

  it('follows a time that is changed to an earlier or a later one on the same day', () => {
    run(due - dayMs / 2);
    // By 01:00 instead of 02:00, at 01:30: this night is judged nevertheless.
    expect(run(due - 30 * minuteMs, [wabc({ hour: 1 })]).missed).toEqual(['2026-11-29 missing']);
    // Back to 02:00, before it is due: no second notification of the same day.
    expect(run(due - 20 * minuteMs)).toEqual({ ...quiet, open: 1 });
    expect(run(due + minuteMs)).toEqual({ ...quiet, open: 1 });
    files = [file('20261129', due + 2 * minuteMs)];
    expect(run(due + 5 * minuteMs).arrived).toEqual(['2026-11-29 late']);
    // An evening's time is later on the same day, and is judged; an earlier one is over.
    expect(run(due + 60 * minuteMs, [wabc({ hour: 1 })])).toEqual(quiet);
    const evening = wabc({ hour: 22, key: 'WABC_{yyyyMMdd+1}.csv' });
    expect(run(due + 21 * 60 * minuteMs, [evening]).missed).toEqual(['2026-11-29 missing']);
  });

  it('follows a corrected key, and forgets what is not expected any more', () => {
    run(due - dayMs / 2, [wabc({ key: 'KABC_{yyyyMMdd}.csv' })]);
    files = [file('20261129', due - minuteMs)];
    expect(run(due + minuteMs, [wabc({ key: 'KABC_{yyyyMMdd}.csv' })]).missed).toEqual(['2026-11-29 missing']);
    expect(run(due + 5 * minuteMs).arrived).toEqual(['2026-11-29 met']);
    run(due + dayMs + minuteMs);
    expect(run(due + dayMs + 2 * minuteMs, [])).toEqual(quiet);
    expect(note?.files).toEqual([]);
  });

  it('asks only for files of days that are not judged', () => {
    const dues = (now: number) => duesToJudge([wabc()], note, now).map(({ day }) => day);
    expect(dues(due + minuteMs)).toEqual([]);
    run(due - dayMs / 2);
    expect(dues(due)).toEqual([]);
    expect(dues(due + minuteMs)).toEqual(['2026-11-29']);
    files = [file('20261129', due)];
    run(due + minuteMs);
    expect(dues(due + 2 * minuteMs)).toEqual([]);
  });

  it('remembers a month', () => {
    run(due - dayMs / 2);
    for (let day = 0; day < 40; day++) run(due + day * dayMs + minuteMs);
    const [entry] = note?.files ?? [];
    expect(entry && historyBefore(entry, '2027-01-07')).toEqual({ nights: 30, late: 0, missed: 30 });
  });

  it('reports each missed day once and never loses one, whenever runs take place, fail or die', () => {
    const days = Array.from({ length: 6 }, (_, index) => index);
    // Minutes after the time of its day; null: the file never comes.
    const arrivals = fc.tuple(...days.map(() => fc.option(fc.integer({ min: -600, max: 2_000 }), { nil: null })));
    const gaps = fc.array(fc.record({ minutes: fc.integer({ min: 1, max: 1_800 }), isKilled: fc.boolean() }), {
      minLength: 5,
      maxLength: 60,
    });
    fc.assert(
      fc.property(arrivals, gaps, fc.boolean(), (offsets, runs, isAnyKilled) => {
        const comes = offsets.map((offset, day) =>
          offset === null ? Infinity : due + day * dayMs + offset * minuteMs,
        );
        const begin = due - dayMs / 2;
        note = undefined;
        const [missed, arrived]: [string[], string[]] = [[], []];
        let now = begin;
        for (const { minutes, isKilled } of [{ minutes: 0, isKilled: false }, ...runs]) {
          now += minutes * minuteMs;
          files = comes.flatMap((at, day) => (at <= now ? [file(dayAfter(day), at)] : []));
          const news = run(now, [wabc()], isKilled && isAnyKilled);
          missed.push(...news.missed.map((text) => text.slice(0, 10)));
          arrived.push(...news.arrived.map((text) => text.slice(0, 10)));
        }
        for (const [day, at] of comes.entries()) {
          const end = due + day * dayMs + minuteMs;
          if (now < end) continue;
          const name = isoDay(day);
          const state = nightOn(name);
          const told = missed.filter((each) => each === name).length;
          if (at < end) expect([name, state?.state, told]).toEqual([name, 'met', 0]);
          else if (at > now) expect([name, state?.state, told > 0]).toEqual([name, 'missing', true]);
          if (!isAnyKilled) expect(told).toBeLessThanOrEqual(1);
          if (state?.state === 'late' && told > 0) expect(arrived).toContain(name);
          if (told === 0) expect(arrived).not.toContain(name);
        }
        expect(missed.filter((name) => name < isoDay(0))).toEqual([]);
      }),
      { numRuns: 60 * more },
    );
  });
});

const isoDay = (after: number): string => new Date(Date.UTC(2026, 10, 29 + after)).toISOString().slice(0, 10);
const dayAfter = (after: number): string => isoDay(after).replaceAll('-', '');
