import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import type { SettingsRequest } from '../../cdk/read-settings.ts';
import { readSettings } from '../../cdk/read-settings.ts';
import { SettingsError } from '../../cdk/settings-error.ts';
import { prod } from '../../cdk/stages/prod.ts';
import type { StageNumbers } from '../../cdk/stages/stage-numbers.ts';
import { maintenance } from '../../feeds/maintenance.ts';
import { telemetry } from '../../feeds/telemetry.ts';
import { traffic } from '../../feeds/traffic.ts';
import { readExpectedFiles } from '../../lambdas/runtime/read-expected-files.ts';

type OfFeed = StageNumbers['feeds'][string];
type Expected = NonNullable<OfFeed['expected']>;

const apiUrl = 'https://avstar.example';
const deadline = '05:00 America/New_York';
const wabc = { name: 'WABC', key: 'WABC_{yyyyMMdd+1}*.csv', by: '02:00' };
const wxyz = { name: 'WXYZ', key: 'WXYZ_{yyyyMMdd+1}*.csv', by: '02:30 America/Chicago' };

function read(ofTraffic: OfFeed, environment: Record<string, string> = {}) {
  const request: SettingsRequest = {
    ...{ stage: 'prod', stackName: 'sluice-prod', version: '1.2.3', environment },
    ...{ feeds: [traffic], numbers: { ...prod, feeds: { traffic: { apiUrl, ...ofTraffic } } } },
  };
  return readSettings(request);
}

function faultsOf(...given: Parameters<typeof read>): readonly string[] {
  try {
    read(...given);
  } catch (error) {
    if (error instanceof SettingsError) return error.faults;
    throw error;
  }
  return [];
}

const folder = mkdtempSync(join(tmpdir(), 'sluice-expected-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('expected files', () => {
  it('have the deadline’s time zone or their own, and reach the reconciler as it reads them', () => {
    const { feeds } = read({ deadline, expected: [wabc, { ...wxyz, days: ['mon'], records: 500 }] });
    writeFileSync(join(folder, 'expected.json'), JSON.stringify(feeds[0]?.expected));
    expect(readExpectedFiles('expected.json', pathToFileURL(join(folder, 'index.mjs')).href)).toEqual([
      { ...wabc, by: { hour: 2, minute: 0, timeZone: 'America/New_York' }, records: 1 },
      { ...wxyz, by: { hour: 2, minute: 30, timeZone: 'America/Chicago' }, days: ['mon'], records: 500 },
    ]);
  });

  const setting = "feeds.traffic.expected in the stage's file";
  it.each<[string, Expected, string]>([
    [
      'a name of its own',
      [wxyz, { ...wxyz, key: 'a.csv', name: 'wxyz' }],
      `${setting} has the name 'wxyz' twice; each`,
    ],
    [
      'a key that no other file has',
      [wxyz, { ...wxyz, name: 'late', key: 'WXYZ_*_late.csv' }],
      `${setting}: one file could have the keys of both 'WXYZ' and 'late' (WXYZ_{yyyyMMdd+1}*.csv, WXYZ_*_late.csv), and`,
    ],
    [
      'few enough entries',
      Array.from({ length: 51 }, (_, n) => ({ ...wxyz, name: `station ${n}`, key: `station-${n}_{yyyyMMdd}.csv` })),
      `${setting} has 51 files; there may be 50: divide them among several feeds.`,
    ],
  ])('need %s', (_what, expected, sentence) => {
    const faults = faultsOf({ expected });
    expect(faults).toHaveLength(1);
    expect(faults[0]).toContain(sentence);
  });

  it('may have the same key on different days, and keys of different days', () => {
    const weekend: Expected = [
      { ...wxyz, days: ['mon', 'tue'] },
      { ...wxyz, name: 'weekend', days: ['sat'], by: '06:00 America/Chicago' },
      { ...wxyz, name: 'today', key: 'WXYZ_{yyyyMMdd}*.csv' },
    ];
    expect(faultsOf({ expected: weekend })).toEqual([]);
  });

  it.each<[Partial<Expected[number]> & Record<string, unknown>, string]>([
    [
      { by: '25:00' },
      'by: It must be a time of day, such as 02:00, or with a time zone, such as 02:00 America/New_York.',
    ],
    [{ by: '02:00 Mars/Olympus' }, 'by: It must be a time of day'],
    [{ key: 'WABC_{date}.csv' }, "key: '{date}' is not a date; use yyyy or yy, MM and dd, such as {yyyyMMdd}, or"],
    [{ name: 'WABC\n' }, 'name: It must be up to 40 letters, digits, spaces, dots and dashes.'],
    [{ days: ['friday' as 'fri'] }, 'days.0: Invalid option'],
    [{ records: 0 }, 'records: Too small'],
    [{ record: 5 }, 'Unrecognized key: "record"'],
  ])('with %j are refused, from the stage’s file and from the environment', (wrong, sentence) => {
    const expected = [wxyz, { ...wabc, ...wrong }];
    const [ofStage, ...others] = faultsOf({ deadline, expected: expected });
    expect(others).toEqual([]);
    expect(ofStage).toContain(`cdk/stages/prod.ts: feeds.traffic.expected.1`);
    expect(ofStage).toContain(sentence);
    const [ofVariable] = faultsOf({ deadline }, { SLUICE_TRAFFIC_EXPECTED: JSON.stringify(expected) });
    expect(ofVariable).toContain('SLUICE_TRAFFIC_EXPECTED must be a JSON array of expected files, such as [{"name":');
    expect(ofVariable).toContain(sentence);
  });

  it('are refused as a variable that is not JSON, without the variable’s text', () => {
    expect(faultsOf({ deadline }, { SLUICE_TRAFFIC_EXPECTED: 'WABC_*.csv by 02:00' })).toEqual([
      expect.stringMatching(/^SLUICE_TRAFFIC_EXPECTED must be a JSON array .* It is not JSON\.$/),
    ]);
  });

  it.each([
    [
      telemetry,
      wabc,
      "SLUICE_TELEMETRY_EXPECTED: 'WABC' is expected by 02:00 without a time zone; write '02:00 America/",
    ],
    [maintenance, wxyz, 'SLUICE_MAINTENANCE_EXPECTED is set; the feed takes small files many at a time, and has no'],
  ])(
    'are refused for a feed without a deadline’s time zone, or without an account of each file',
    (feed, file, sentence) => {
      const environment = {
        ...{ SLUICE_FEEDS: feed.name, SLUICE_TELEMETRY_API_URL: apiUrl },
        [`SLUICE_${feed.name.toUpperCase()}_EXPECTED`]: JSON.stringify([file]),
      };
      const request = { stage: 'prod', stackName: 'sluice-prod', version: '1.2.3', environment } as const;
      expect(() => readSettings({ ...request, feeds: [feed, telemetry] })).toThrow(sentence);
    },
  );
});
