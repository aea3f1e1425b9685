import { describe, expect, it } from 'vitest';
import { apiIdOf } from '../../cdk/api-id.ts';
import type { SettingsRequest } from '../../cdk/read-settings.ts';
import { readSettings } from '../../cdk/read-settings.ts';
import { SettingsError } from '../../cdk/settings-error.ts';
import { prod } from '../../cdk/stages/prod.ts';
import type { StageNumbers } from '../../cdk/stages/stage-numbers.ts';
import { maintenance } from '../../feeds/maintenance.ts';
import { traffic } from '../../feeds/traffic.ts';
import { readConsumerEnvironment } from '../../lambdas/runtime/environment.ts';

type OfFeed = StageNumbers['feeds'][string];
const day = { from: '06:00', to: '18:00', requests: 300 };
const apiUrl = 'https://avstar.example';

function read(ofTraffic: OfFeed, ofMaintenance?: OfFeed) {
  const feeds = { traffic: { apiUrl, ...ofTraffic }, ...(ofMaintenance ? { maintenance: ofMaintenance } : {}) };
  const request: SettingsRequest = {
    ...{ stage: 'prod', stackName: 'sluice-prod', version: '1.2.3', environment: {} },
    ...{ feeds: ofMaintenance ? [traffic, maintenance] : [traffic], numbers: { ...prod, feeds } },
  };
  return readSettings(request);
}

function faultsOf(...numbers: Parameters<typeof read>): readonly string[] {
  try {
    read(...numbers);
  } catch (error) {
    if (error instanceof SettingsError) return error.faults;
    throw error;
  }
  return [];
}

describe('a calendar in the stage’s file', () => {
  it('has the deadline’s time zone or its own, and reaches the functions as they read it', () => {
    const days: ('mon' | 'fri')[] = ['mon', 'fri'];
    const limitCalendar = [day, { from: '22:30', to: '02:00', days, requests: 60 }];
    const { feeds } = read({ limitCalendar, deadline: '05:00 America/New_York' });
    const calendar = {
      timeZone: 'America/New_York',
      entries: [
        { from: 360, to: 1080, requests: 300 },
        { from: 1350, to: 120, days, requests: 60 },
      ],
    };
    expect(feeds[0]?.api.calendar).toEqual(calendar);
    expect(read({ limitCalendar, limitTimeZone: 'UTC' }).feeds[0]?.api.calendar?.timeZone).toBe('UTC');
    const api = { ...{ id: apiIdOf({ name: 'traffic', api: { url: apiUrl } }), url: apiUrl }, isPaced: true, calendar };
    const rest = { requests: 600, windowSeconds: 60, connectionsPerConsumer: 1, connectionsPerLetterConsumer: 1 };
    const url = 'https://queue.example';
    const environment = readConsumerEnvironment({
      ...{ SLUICE_VERSION: '1', LEDGER_TABLE: 't', STACK_NAME: 's', SLUICE_FEED: 'traffic', SLUICE_LANE: 'main' },
      ...{ RECORDS_QUEUE_URL: url, LETTERS_QUEUE_URL: url, FINALIZE_QUEUE_URL: url, LETTERS_QUEUE_ARN: 'a' },
      ...{ WORK_BUCKET: 'w', API: JSON.stringify({ ...api, ...rest }) },
    });
    expect(environment.API.calendar).toEqual(calendar);
  });

  it.each<[string, Partial<OfFeed>, string]>([
    ['with an unknown time zone', { limitCalendar: [day], limitTimeZone: 'Mars/Olympus' }, 'It must be a time zone'],
    ['with a time that is none', { limitCalendar: [{ ...day, to: '24:00' }] }, 'from 00:00 to 23:59, such as 06:00'],
    ['above the limit', { limitCalendar: [{ ...day, requests: 601 }] }, '601 requests; it must be from 6'],
    ['below 1% of the limit', { limitCalendar: [{ ...day, requests: 5 }] }, '5 requests; it must be from 6'],
    ['of a feed without a limit', { limitCalendar: [day], paced: false }, 'is sent without a limit'],
    ['without an entry', { limitCalendar: [] }, 'limitCalendar'],
    ['with a day that is none', { limitCalendar: [{ ...day, days: ['someday' as 'mon'] }] }, 'limitCalendar.0.days'],
  ])('%s is refused with an explanation', (_, numbers, sentence) => {
    const faults = faultsOf({ limitTimeZone: 'UTC', ...numbers });
    expect(faults).toEqual([expect.stringContaining(sentence)]);
  });

  it('of a feed without a deadline must state its time zone', () => {
    const shared = { sink: 'http' as const, apiUrl: 'https://mro.example', requests: 600, windowSeconds: 60 };
    expect(faultsOf({}, { ...shared, limitCalendar: [day] })).toEqual([
      expect.stringContaining('has no time zone: set limitTimeZone'),
    ]);
  });

  it('must be the same for feeds that share an API', () => {
    const shared = { sink: 'http' as const, apiUrl, requests: 600, windowSeconds: 60 };
    const calendar = { limitCalendar: [day], limitTimeZone: 'UTC' };
    const same = { requests: 600, windowSeconds: 60 };
    expect(faultsOf({ ...same, ...calendar }, { ...shared, ...calendar })).toEqual([]);
    expect(faultsOf({ ...same, ...calendar }, shared)).toEqual([
      expect.stringContaining("limitCalendar of the feed 'traffic' is not that of the feed 'maintenance'"),
      expect.stringContaining("limitCalendar of the feed 'maintenance' is not that of the feed 'traffic'"),
    ]);
  });
});
