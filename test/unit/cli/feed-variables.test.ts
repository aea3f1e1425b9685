import { describe, expect, it } from 'vitest';
import { readFeedTokens, refuseUnknownVariables } from '../../../cli/stack/feed-variables.ts';
import { feeds } from '../../../feeds/index.ts';

describe('the tokens that `up` asks for', () => {
  const traffic = { SLUICE_TRAFFIC_API_URL: 'http://a.example', SLUICE_TRAFFIC_API_TOKEN: ' t ' };

  it('are those of the feeds that go to an API', () => {
    expect(readFeedTokens(feeds, traffic)).toEqual([{ feed: 'traffic', token: 't' }]);
    expect(() => readFeedTokens(feeds, {})).toThrow('SLUICE_TRAFFIC_API_URL and SLUICE_TRAFFIC_API_TOKEN');
  });

  it('are none if only the record ledger is used', () => {
    expect(readFeedTokens(feeds, { SLUICE_FEEDS: 'maintenance,telemetry' })).toEqual([]);
  });

  it('are required if a setting sends a feed to an API', () => {
    const env = { SLUICE_FEEDS: 'maintenance', SLUICE_MAINTENANCE_SINK: 'http' };
    expect(() => readFeedTokens(feeds, env)).toThrow('SLUICE_MAINTENANCE_API_URL');
  });
});

it('refuses a misspelt variable before anything is deployed', () => {
  expect(() => refuseUnknownVariables(feeds, { SLUICE_TRAFIC_API_URL: 'http://a.example' })).toThrow(
    'SLUICE_TRAFIC_API_URL is set, and nothing reads it. Did you mean SLUICE_TRAFFIC_API_URL?',
  );
  expect(() => refuseUnknownVariables(feeds, { SLUICE_TRAFFIC_API_URL: 'http://a.example' })).not.toThrow();
});
