import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkRevision } from '../../../cli/demo/revision/check-revision.ts';
import type { LogOfDay } from '../../../cli/demo/revision/log-rows.ts';
import { writeLogOfDay } from '../../../cli/demo/revision/log-rows.ts';
import type { Spot } from '../../../localstack/fake-avstar/spot.ts';
import { Schedule } from '../../../localstack/fake-avstar/schedule.ts';
import { manifestOf } from '../../support/report-facts.ts';

const dir = mkdtempSync(join(tmpdir(), 'sluice-revision-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

let log: LogOfDay;
beforeAll(async () => void (log = await writeLogOfDay(dir, 'WABC', '2026-01-05')));

const rowsIn = (path: string) => readFileSync(path, 'utf8').trimEnd().split('\n').slice(1);

it('the two exports of the demo differ by 12 changes, 3 removals, a moved spot and a row that was damaged', () => {
  const [day, revision] = [rowsIn(log.day.path), rowsIn(log.revision.path)];
  expect([day.length, revision.length]).toEqual([1_200, 1_197]);
  expect(revision.filter((row) => !day.includes(row))).toHaveLength(12 + 1 + 1);
  expect(log.removed).toHaveLength(3 + 1);
});

describe('the demo', () => {
  const sent = 12 + 2;

  function checks(change: (schedule: Schedule) => void = () => undefined, requests = sent, listed = log.removed) {
    const schedule = new Schedule(true);
    for (const [n, spot] of [...log.day.spots, ...log.revision.spots].entries()) schedule.store(`r${n}`, spot);
    change(schedule);
    const total = log.revision.rows;
    const counts = {
      total_records: total,
      uploaded_records: sent,
      unchanged_records: total - sent,
      removed_records: 4,
    };
    const names = listed.map(({ spot_id: id, airtime }) => `${id} ${airtime}`);
    const end = { log, manifest: manifestOf(counts), schedule: schedule.bySpot(), requests, listed: names };
    return checkRevision(end).map(({ holds }) => holds);
  }

  it('holds if the API has the revision, and what a person is to remove', () => {
    expect(checks()).toEqual([true, true, true, true]);
  });

  it('fails with an entry that is wrong, missing or there twice, a request too many, or a place that is not listed', () => {
    const [spot] = log.revision.spots as [Spot];
    expect(checks((schedule) => schedule.store('x', { ...spot, advertiser: 'Other' }))[2]).toBe(false);
    expect(checks((schedule) => schedule.store('x', { ...spot, airtime: 'never' }))[2]).toBe(false);
    expect(checks((schedule) => schedule.supersede('r1199'))[2]).toBe(false);
    expect(checks(undefined, sent + 1)[1]).toBe(false);
    expect(checks(undefined, sent, log.removed.slice(1))[3]).toBe(false);
  });
});
