import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { afterAll, describe, expect, it } from 'vitest';
import { logRetentionDays, maxMessageBytes } from '../../cdk/aws-quotas.ts';
import { checkSettings } from '../../cdk/check-settings.ts';
import { consumerMemoryFor } from '../../cdk/consumer-memory.ts';
import type { SettingsRequest } from '../../cdk/read-settings.ts';
import type { Settings } from '../../cdk/settings.ts';
import { readSettings } from '../../cdk/read-settings.ts';
import { SettingsError } from '../../cdk/settings-error.ts';
import { stages } from '../../cdk/stages/index.ts';
import { prod } from '../../cdk/stages/prod.ts';
import type { FeedSetting } from '../../cdk/stages/feed-numbers.ts';
import { feedNumbers, feedVariables } from '../../cdk/stages/feed-numbers.ts';
import type { StageNumbers } from '../../cdk/stages/stage-numbers.ts';
import { stageNumbers } from '../../cdk/stages/stage-numbers.ts';
import { createCertificate, createIssuer } from '../../localstack/certificates.ts';
import { carryPauses } from '../../lambdas/core/limiter/pause-evidence.ts';
import { isOneEnough } from '../../lambdas/core/limiter/turn-of-batch.ts';
import { encodeBody } from '../../lambdas/core/records/slice-body.ts';
import type { CutLimits } from '../../lambdas/core/records/dialect.ts';
import { limitsOfRevision } from '../../lambdas/core/series/revision-limits.ts';
import type { PlannedRecord } from '../../lambdas/core/series/revision-plan.ts';
import { encodePlans } from '../../lambdas/core/series/revision-plan.ts';
import { maintenance } from '../../feeds/maintenance.ts';
import { telemetry } from '../../feeds/telemetry.ts';
import { traffic } from '../../feeds/traffic.ts';

const request: SettingsRequest = {
  stage: 'prod',
  stackName: 'sluice-prod',
  version: '1.2.3',
  feeds: [traffic],
  environment: { SLUICE_TRAFFIC_API_URL: 'https://avstar.example' },
};

const folder = mkdtempSync(join(tmpdir(), 'sluice-settings-'));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
function fileOf(text: string): string {
  const path = join(folder, `${++files}.pem`);
  writeFileSync(path, text);
  return path;
}

const read = (environment: Record<string, string>, change: Partial<SettingsRequest> = {}) =>
  readSettings({ ...request, environment: { ...request.environment, ...environment }, ...change });

function faultsOf(attempt: () => unknown): readonly string[] {
  try {
    attempt();
  } catch (error) {
    if (error instanceof SettingsError) return error.faults;
    throw error;
  }
  return [];
}

/** The faults of prod's settings after a change to a copy of them. */
function faultsAfter(change: (settings: Settings) => void): readonly string[] {
  const settings = structuredClone(read({}));
  change(settings);
  return faultsOf(() => checkSettings(settings));
}

const ofNoFeed: StageNumbers = { ...prod, feeds: {} };

const feedOf = (settings: Settings) => {
  const [feed] = settings.feeds;
  const [lane, express] = feed?.lanes ?? [];
  if (!feed || !lane) throw new Error('no feed');
  return { feed, lane, express };
};

describe('the pattern of a series', () => {
  it('comes from the environment or the stage, and is validated in both', () => {
    const pattern = '{station}_{yyyyMMdd}_R{#}.csv';
    expect(read({ SLUICE_TRAFFIC_SERIES: pattern }).feeds[0]?.series).toBe(pattern);
    const ofStage = (series: string) => ({ numbers: { ...prod, feeds: { traffic: { series } } } });
    expect(read({}, ofStage('{file}')).feeds[0]?.series).toBe('{file}');
    expect(read({ SLUICE_TRAFFIC_SERIES: pattern }, ofStage('{file}')).feeds[0]?.series).toBe(pattern);
    const mistake = 'Nothing separates {station} from *; put literal text between them';
    expect(faultsOf(() => read({ SLUICE_TRAFFIC_SERIES: '{station}*' }))).toEqual([
      `SLUICE_TRAFFIC_SERIES is '{station}*'; it must be a pattern of file names, such as ` +
        `{station}_{yyyyMMdd}_R{#}.csv. ${mistake}.`,
    ]);
    expect(faultsOf(() => read({}, ofStage('{station}*')))).toEqual([
      `cdk/stages/prod.ts: feeds.traffic.series: ${mistake}.`,
    ]);
  });
});

describe('what a feed declares about changed records', () => {
  it('is one of two words', () => {
    const given = { SLUICE_TRAFFIC_SERIES: '{file}', SLUICE_TRAFFIC_CHANGED_RECORDS: 'overwrites' };
    expect(faultsOf(() => read(given))).toEqual([
      "SLUICE_TRAFFIC_CHANGED_RECORDS is 'overwrites'; it must be replaces or supersedes.",
    ]);
  });
});

describe('each setting of a feed', () => {
  const certificate = fileOf(createIssuer('root').cert);
  const wabc = { name: 'WABC', key: 'WABC_{yyyyMMdd+1}*.csv', by: '02:00 America/New_York' };
  const values: Record<FeedSetting, readonly [ofStage: unknown, variable: string, text: string]> = {
    apiUrl: ['https://other.example', 'API_URL', 'https://other.example'],
    sink: ['http', 'SINK', 'http'],
    proxyUrl: ['http://proxy.example:3128', 'PROXY_URL', 'http://proxy.example:3128'],
    caFile: [certificate, 'CA_FILE', certificate],
    consumers: [3, 'CONCURRENCY', '3'],
    requests: [300, 'REQUESTS', '300'],
    windowSeconds: [1.5, 'WINDOW_SECONDS', '1.5'],
    paced: [false, 'PACED', 'off'],
    connections: [14, 'CONNECTIONS', '14'],
    expressLane: [false, 'EXPRESS_LANE', 'off'],
    deadline: ['06:30 Europe/Vienna', 'DEADLINE', '06:30 Europe/Vienna'],
    expected: [[wabc], 'EXPECTED', JSON.stringify([wabc])],
    series: ['{file}', 'SERIES', '{file}'],
    changedRecords: ['supersedes', 'CHANGED_RECORDS', 'supersedes'],
    revisionGuard: [0.1, 'REVISION_GUARD', '0.1'],
    control: [
      { suffix: '.ctl', comes: 'after', kind: 'counts', waitMinutes: 30 },
      'CONTROL',
      '{"suffix":".ctl","comes":"after","kind":"counts","waitMinutes":30}',
    ],
    logRetentionDays: [731, 'LOG_RETENTION_DAYS', '731'],
  };

  it.each(Object.entries(values))('%s is read from the stage’s file and from the environment alike', (name, given) => {
    const [ofStage, variable, text] = given;
    const environment = name === 'apiUrl' ? {} : request.environment;
    // It means nothing without one.
    const series = name === 'changedRecords' || name === 'revisionGuard' ? { series: '{file}' } : {};
    const numbers = stageNumbers.parse({ ...prod, feeds: { traffic: { ...series, [name]: ofStage } } });
    const byStage = read({}, { numbers, environment });
    const byEnvironment = read(
      {},
      {
        numbers: { ...prod, feeds: { traffic: series } },
        environment: { ...environment, [`SLUICE_TRAFFIC_${variable}`]: text },
      },
    );
    expect(byEnvironment).toEqual(byStage);
    const changed = JSON.stringify(byStage) !== JSON.stringify(read({}, { numbers: ofNoFeed }));
    // It is what the feed declares already.
    expect(changed).toBe(name !== 'sink');
  });

  it('has a variable, except values that the environment can not express', () => {
    const variables = Object.entries(feedNumbers.shape).filter(([, schema]) => feedVariables.has(schema));
    expect(variables.map(([name]) => name).sort()).toEqual(Object.keys(values).sort());
  });
});

describe('settings', () => {
  it('read the API’s contract from the environment', () => {
    const { feed, lane } = feedOf(
      read({
        SLUICE_TRAFFIC_REQUESTS: '300',
        SLUICE_TRAFFIC_WINDOW_SECONDS: '1.5',
        SLUICE_TRAFFIC_CONNECTIONS: '14',
        SLUICE_TRAFFIC_CONCURRENCY: '3',
      }),
    );
    expect(feed.api).toMatchObject({ requests: 300, windowSeconds: 1.5, connections: 14, consumers: 5 });
    expect(lane).toMatchObject({ consumers: 3, connectionsPerConsumer: 2 });
  });

  it('treat an empty variable as not set', () => {
    expect(feedOf(read({ SLUICE_TRAFFIC_REQUESTS: '' })).feed.api.requests).toBe(600);
  });

  it.each([
    ['600', '60', 2, 1000, 25, 192],
    ['6', '60', 2, 11, 11, 192],
    ['60', '60', 2, 112, 20, 192],
    ['6000', '60', 2, 1000, 250, 192],
    // The margin of a short window needs more of a vCPU.
    ['50', '1', 2, 1000, 125, 256],
    ['100', '1', 2, 1000, 250, 512],
    // Two consumers share it.
    ['200', '1', 2, 1000, 500, 512],
    ['1000', '1', 2, 1000, 1000, 1769],
    ['2500', '1', 3, 1000, 1000, 1769],
    ['100000', '1', 3, 1000, 1000, 1769],
  ])('%s requests in %s s: %i consumers, batches of %i, express ones of %i, %i MB', (requests, window, ...expected) => {
    const { lane, express } = feedOf(
      read({ SLUICE_TRAFFIC_REQUESTS: requests, SLUICE_TRAFFIC_WINDOW_SECONDS: window }),
    );
    const records = [lane.cutLimits.maxBatchRecords, express?.cutLimits.maxBatchRecords];
    expect([lane.consumers, ...records, lane.consumerMemoryMb]).toEqual(expected);
  });

  it('cut batches as large without a limit as with one', () => {
    const sizes = ['on', 'off'].map((paced) => feedOf(read({ SLUICE_TRAFFIC_PACED: paced })).lane.cutLimits);
    expect(sizes[1]).toEqual(sizes[0]);
    expect(sizes[1]).toMatchObject({ maxBatchRecords: 1_000, maxBatchBytes: 192_000 });
  });

  it('expect one consumer to send everything up to the rate up to which batches wait for their turn', () => {
    for (const requests of [5_999, 6_000, 6_001, 6_060]) {
      const limit = { requests, windowSeconds: 60 };
      expect(consumerMemoryFor(limit, 1) === consumerMemoryFor(limit, 100), `${requests}`).toBe(isOneEnough(limit));
    }
  });

  it.each([8, 9, 11, 14, 20, 21, 50, 400])(
    'divide %i connections between the lanes, and never assign more',
    (total) => {
      const settings = read({ SLUICE_TRAFFIC_CONNECTIONS: String(total) });
      const { lane, express, feed } = feedOf(settings);
      const [main, urgent] = [lane, express].map((each) => (each ? each.consumers * each.connectionsPerConsumer : 0));
      expect(express?.consumers).toBe(2);
      expect((main ?? 0) + (urgent ?? 0) + 4).toBeLessThanOrEqual(total);
      expect(main).toBeGreaterThanOrEqual(urgent ?? 0);
      expect(feed.api.consumers).toBe(lane.consumers + 2);
    },
  );

  it('assign the main lane all the connections if the express lane is off', () => {
    const { feed, lane } = feedOf(read({ SLUICE_TRAFFIC_EXPRESS_LANE: 'off' }));
    expect(feed.lanes).toEqual([lane]);
    expect(lane).toMatchObject({ consumers: 2, connectionsPerConsumer: 9, keyPrefix: 'traffic/' });
    expect(feed.api.consumers).toBe(2);
  });

  it('fit a new account’s quota of ten functions without an express lane', () => {
    const quota = { SLUICE_FUNCTION_QUOTA: '10' };
    expect(faultsOf(() => read({ ...quota, SLUICE_TRAFFIC_EXPRESS_LANE: 'off' }))).toEqual([]);
    const faults = faultsOf(() => read(quota));
    expect(faults).toEqual([
      "SLUICE_FUNCTION_QUOTA is 10; up to 16 functions run at once. Raise the AWS account's quota of concurrent executions" +
        ', or set SLUICE_TRAFFIC_EXPRESS_LANE=off, fewer consumers, a lower splitter.concurrency.',
    ]);
  });

  it('of a laptop need nothing from the environment', () => {
    expect(faultsOf(() => readSettings({ ...request, stage: 'local', environment: {} }))).toEqual([]);
  });

  it('never print a URL, which may carry a password', () => {
    for (const url of [
      'https://me:hush@avstar.example',
      'ftp://me:hush@avstar.example',
      'https://a.example?key=hush',
    ]) {
      const faults = faultsOf(() => read({ SLUICE_TRAFFIC_API_URL: url }));
      expect(faults).toHaveLength(1);
      expect(faults[0]).toContain('SLUICE_TRAFFIC_API_URL');
      expect(faults[0]).not.toContain('hush');
    }
    for (const url of ['http://me:hush@proxy.example:3128', 'socks5://me:hush@proxy.example']) {
      const faults = faultsOf(() => read({ SLUICE_TRAFFIC_PROXY_URL: url }));
      expect(faults).toHaveLength(1);
      expect(faults[0]).toContain('SLUICE_TRAFFIC_PROXY_URL');
      expect(faults[0]).not.toContain('hush');
    }
  });

  it('accept a proxy, and the certificates of a file without the text between them', () => {
    const first = createIssuer('first').cert;
    const second = createIssuer('second').cert;
    const { api } = feedOf(
      read({
        SLUICE_TRAFFIC_PROXY_URL: 'http://proxy.example:3128',
        SLUICE_TRAFFIC_CA_FILE: fileOf(`# first root\n${first}\r\n# second root\n${second}`),
      }),
    ).feed;
    expect(api.proxyUrl).toBe('http://proxy.example:3128');
    expect(api.caCertificates).toBe(`${first}${second}`);
  });

  it('report all faults in one message', () => {
    const attempt = () => read({ SLUICE_TRAFFIC_REQUESTS: 'many', SLUICE_TRAFFIC_CONNECTIONS: '3' });
    expect(faultsOf(attempt)).toHaveLength(2);
    expect(attempt).toThrow(/SLUICE_TRAFFIC_REQUESTS[^]*SLUICE_TRAFFIC_CONNECTIONS/);
  });
});

describe('settings from the environment that are refused', () => {
  it.each([
    ['SLUICE_TRAFFIC_API_URL', 'http://avstar.example', 'must begin with https://'],
    ['SLUICE_TRAFFIC_API_URL', ' ', 'is not set'],
    ['SLUICE_TRAFFIC_REQUESTS', '0', 'a whole number'],
    ['SLUICE_TRAFFIC_REQUESTS', '1', 'it must be 6 or more in that window'],
    ['SLUICE_TRAFFIC_WINDOW_SECONDS', '-1', 'a number of seconds above 0'],
    ['SLUICE_TRAFFIC_WINDOW_SECONDS', '0.0', 'a number of seconds above 0'],
    ['SLUICE_TRAFFIC_CONNECTIONS', '3', '4 consumers of batches (SLUICE_TRAFFIC_CONCURRENCY) and 4 of letters'],
    ['SLUICE_TRAFFIC_CONNECTIONS', '7', 'at least 8, or SLUICE_TRAFFIC_EXPRESS_LANE=off, or fewer consumers'],
    ['SLUICE_TRAFFIC_CONCURRENCY', '1', 'allows 2 to 1000'],
    ['SLUICE_TRAFFIC_CONCURRENCY', '30', 'at least 36, or SLUICE_TRAFFIC_EXPRESS_LANE=off'],
    ['SLUICE_TRAFFIC_EXPRESS_LANE', 'no', 'must be on or off'],
    ['SLUICE_FUNCTION_QUOTA', '0', 'a whole number of functions'],
  ])('%s=%s: %s', (variable, value, sentence) => {
    const window = { SLUICE_TRAFFIC_WINDOW_SECONDS: sentence.includes('in that window') ? '600' : '60' };
    const faults = faultsOf(() => read({ ...window, [variable]: value }));
    expect(
      faults.some((fault) => fault.startsWith(variable.replace('CONCURRENCY', '')) || fault.includes(variable)),
    ).toBe(true);
    expect(faults.join('\n')).toContain(sentence);
  });

  it('include a feed that can not work as it is declared', () => {
    const toleratedRejects = { share: 2, afterRecords: 10 };
    const faults = faultsOf(() =>
      read(
        {},
        {
          environment: {},
          feeds: [{ ...telemetry, isExample: false, columns: [], toleratedRejects }],
          numbers: ofNoFeed,
        },
      ),
    );
    expect(faults).toEqual([
      "The feed 'telemetry': formats has csv, so columns must name the required columns of a header.",
      "The feed 'telemetry': toleratedRejects.share is 2; it must be from 0 to 1.",
    ]);
  });

  it('include two feeds of one name', () => {
    const faults = faultsOf(() => read({}, { feeds: [traffic, traffic] }));
    expect(faults[0]).toContain("Two feeds are called 'traffic'");
  });

  it('include a log retention that CloudWatch does not support', () => {
    expect(
      faultsOf(() =>
        read({}, { environment: {}, feeds: [{ ...maintenance, logRetentionDays: 1095 }], numbers: ofNoFeed }),
      )[0],
    ).toMatch(/^The feed 'maintenance': logRetentionDays: /);
  });
});

describe('a rehearsal stage', () => {
  const api = { ...ofNoFeed.feeds['traffic'], apiUrl: 'https://avstar.example/api/' };
  const read = (url: string | undefined) =>
    readSettings({
      ...request,
      stage: 'staging',
      environment: url === undefined ? {} : { SLUICE_TRAFFIC_API_URL: url },
    });

  it('inherits neither prod’s API nor its desk', () => {
    Object.assign(stages.prod, { feeds: { traffic: api }, deskEmail: 'desk@example.com' });
    try {
      expect(faultsOf(() => read(undefined)).join()).toContain('SLUICE_TRAFFIC_API_URL is not set');
      expect(faultsOf(() => read('https://avstar.example/api')).join()).toContain('is the API of the stage prod');
      expect(read('https://rehearsal.example')).not.toHaveProperty('deskEmail');
    } finally {
      Object.assign(stages.prod, { feeds: {}, deskEmail: undefined });
    }
  });
});

describe('a stage’s file', () => {
  const all = { feeds: [traffic, maintenance, telemetry] };
  const staged = (change: Partial<StageNumbers>, environment: Record<string, string> = {}) =>
    readSettings({ ...request, ...all, environment, numbers: { ...ofNoFeed, ...change } });
  const full = {
    deployedFeeds: ['traffic', 'maintenance'],
    deskEmail: 'desk@example.com',
    feeds: {
      traffic: {
        apiUrl: 'https://avstar.example',
        requests: 300,
        consumers: 3,
        connections: 30,
        proxyUrl: 'http://proxy.example:3128',
        deadline: '04:30 Europe/Berlin',
      },
      maintenance: {
        sink: 'http' as const,
        apiUrl: 'https://mro.example',
        requests: 10,
        windowSeconds: 1,
        options: { unknownFormTypes: 'reject' },
      },
    },
  };

  it('can contain every setting of the environment', () => {
    const settings = staged(full);
    expect(settings).toMatchObject({ deskEmail: 'desk@example.com' });
    expect(settings.feeds).toMatchObject([
      {
        name: 'traffic',
        deadline: '04:30 Europe/Berlin',
        api: { url: 'https://avstar.example', requests: 300, consumers: 5, proxyUrl: 'http://proxy.example:3128' },
      },
      {
        name: 'maintenance',
        api: { url: 'https://mro.example', requests: 10, windowSeconds: 1 },
        options: { unknownFormTypes: 'reject' },
      },
    ]);
  });

  it('is overridden by the environment', () => {
    const settings = staged(full, {
      SLUICE_FEEDS: 'traffic',
      SLUICE_DESK_EMAIL: 'night@example.com',
      SLUICE_TRAFFIC_API_URL: 'https://other.example',
      SLUICE_TRAFFIC_REQUESTS: '100',
      SLUICE_TRAFFIC_DEADLINE: '06:00 UTC',
    });
    expect(settings.deskEmail).toBe('night@example.com');
    expect(settings.feeds).toMatchObject([
      { deadline: '06:00 UTC', api: { url: 'https://other.example', requests: 100 } },
    ]);
    const option = { SLUICE_MAINTENANCE_UNKNOWN_FORM_TYPES: 'pass' };
    expect(staged(full, option).feeds[1]?.options).toEqual({ unknownFormTypes: 'pass' });
  });

  it.each<[string, unknown, string]>([
    ['deskEmail', { deskEmail: 'desk' }, 'cdk/stages/prod.ts: deskEmail: '],
    [
      'a deadline',
      { feeds: { traffic: { deadline: '5 am' } } },
      'cdk/stages/prod.ts: feeds.traffic.deadline: It must be',
    ],
    ['an address', { feeds: { traffic: { apiUrl: 'avstar' } } }, 'cdk/stages/prod.ts: feeds.traffic.apiUrl: '],
    ['an unknown setting', { feeds: { traffic: { url: 'x' } } }, 'cdk/stages/prod.ts: feeds.traffic: '],
    [
      'an unknown feed',
      { deployedFeeds: ['trafic'] },
      'cdk/stages/prod.ts: deployedFeeds names trafic; feeds/index.ts has',
    ],
    [
      'settings of an unknown feed',
      { feeds: { ...full.feeds, trafic: {} } },
      'cdk/stages/prod.ts: feeds has settings of trafic; feeds/index.ts has',
    ],
    [
      'an unknown option',
      { feeds: { ...full.feeds, maintenance: { options: { forms: 'x' } } } },
      "The stage's file has feeds.maintenance.options.forms; the feed has no such option.",
    ],
    [
      'a wrong option',
      { feeds: { ...full.feeds, maintenance: { options: { unknownFormTypes: 'drop' } } } },
      "feeds.maintenance.options.unknownFormTypes in the stage's file is 'drop'; it must be",
    ],
  ])('is refused for %s', (_what, change, sentence) => {
    expect(faultsOf(() => staged({ ...full, ...(change as Partial<StageNumbers>) })).join('\n')).toContain(sentence);
  });

  it.each(Object.keys(stages) as (keyof typeof stages)[])('exists for %s, and is valid', (stage) => {
    const api = { SLUICE_TRAFFIC_API_URL: 'https://avstar.example' };
    expect(readSettings({ ...request, ...all, stage, environment: api }).feeds).toHaveLength(2);
  });
});

describe('the feeds of a deployment', () => {
  const all = { feeds: [traffic, maintenance, telemetry] };
  const namesIn = (environment: Record<string, string>) => read(environment, all).feeds.map(({ name }) => name);

  it('are all but the examples, or those that SLUICE_FEEDS names', () => {
    expect(namesIn({})).toEqual(['traffic', 'maintenance']);
    expect(namesIn({ SLUICE_FEEDS: 'telemetry, traffic' })).toEqual(['traffic', 'telemetry']);
    expect(faultsOf(() => read({ SLUICE_FEEDS: 'traffic,parts' }, all))).toEqual([
      'SLUICE_FEEDS names parts; feeds/index.ts has traffic, maintenance, telemetry.',
    ]);
  });

  it('are limited if they send to an API, and not if they write to a table', () => {
    const { feeds } = read({ SLUICE_FEEDS: 'traffic,maintenance' }, all);
    expect(feeds.map(({ api }) => api.isPaced)).toEqual([true, false]);
    const [traffic] = read({ SLUICE_FEEDS: 'traffic', SLUICE_TRAFFIC_PACED: 'off' }, all).feeds;
    expect(traffic?.api.isPaced).toBe(false);
    expect(faultsOf(() => read({ SLUICE_TRAFFIC_PACED: 'no' }))).toEqual([
      "SLUICE_TRAFFIC_PACED is 'no'; it must be on or off.",
    ]);
  });

  it('accept only the numbers of days for which CloudWatch Logs keeps logs', () => {
    const days = Object.values(RetentionDays).filter((each) => typeof each === 'number');
    expect([...logRetentionDays]).toEqual(days.filter((each) => each !== RetentionDays.INFINITE).sort((a, b) => a - b));
  });

  it('need no API where their sink is the record ledger', () => {
    const [feed] = read({ SLUICE_FEEDS: 'maintenance', SLUICE_TRAFFIC_API_URL: '' }, all).feeds;
    expect(feed?.api.url).toBeUndefined();
    expect(feed?.api).toMatchObject({ requests: 10_000, windowSeconds: 10, connections: 40 });
    expect(feed).toMatchObject({ archiveRetentionDays: 1096, logRetentionDays: 1096 });
  });

  it('go to an API by a setting, if they declare what the API accepts', () => {
    const http = {
      SLUICE_FEEDS: 'maintenance',
      SLUICE_MAINTENANCE_SINK: 'http',
      SLUICE_MAINTENANCE_API_URL: 'https://mro.example',
    };
    expect(faultsOf(() => read(http, all))[0]).toContain('SLUICE_MAINTENANCE_REQUESTS and SLUICE_MAINTENANCE_WINDOW');
    const limit = { SLUICE_MAINTENANCE_REQUESTS: '600', SLUICE_MAINTENANCE_WINDOW_SECONDS: '60' };
    expect(read({ ...http, ...limit }, all).feeds[0]?.api).toMatchObject({ url: 'https://mro.example', requests: 600 });
    const none = {
      SLUICE_FEEDS: 'telemetry',
      SLUICE_TELEMETRY_SINK: 'http',
      SLUICE_TELEMETRY_API_URL: 'https://a.example',
    };
    expect(faultsOf(() => read(none, all))[0]).toContain('has no sink.path');
  });

  it('read their options from the environment, and only options that the feed supports', () => {
    const options = (environment: Record<string, string>) =>
      read({ SLUICE_FEEDS: 'maintenance', ...environment }, all).feeds[0]?.options;
    expect(options({})).toEqual({});
    expect(options({ SLUICE_MAINTENANCE_MINIMUM_OCR_CONFIDENCE: '0.8' })).toEqual({ minimumOcrConfidence: '0.8' });
    const faults = faultsOf(() =>
      options({ SLUICE_MAINTENANCE_MINIMUM_OCR_CONFIDENCE: 'high', SLUICE_MAINTENANCE_UNKNOWN_FORM_TYPES: 'drop' }),
    );
    expect(faults).toEqual([
      "SLUICE_MAINTENANCE_MINIMUM_OCR_CONFIDENCE is 'high'; it must be a number, 0 or more.",
      "SLUICE_MAINTENANCE_UNKNOWN_FORM_TYPES is 'drop'; it must be pass or reject.",
    ]);
  });
});

describe('a feed of small files', () => {
  const limited = { ...traffic, smallFiles: true, formats: ['json-document'] as const };
  it.each([
    ['an API with a limit', read({}, { feeds: [limited] })],
    ['the record ledger', read({ SLUICE_FEEDS: 'maintenance' }, { feeds: [traffic, maintenance] })],
  ])('into %s has batches that fit the largest message', (_, { feeds: [feed] }) => {
    expect(feed?.smallFiles).toBe(true);
    for (const lane of feed?.lanes ?? []) {
      expect(lane).toMatchObject({ maxMessageBytes: 1_048_576, cutLimits: { maxBatchBytes: 700_000 } });
    }
  });
});

describe('a feed with revisions', () => {
  /** The largest message of a revision with batches of these limits, if all of its records have a version of another one. */
  function largestMessage(limits: CutLimits, revisions: number): string {
    const lists = Array.from({ length: revisions }, (_, hour) => [hour.toString(16).padStart(64, 'f')]);
    const planned = (place: number): PlannedRecord => ({
      ...{ plan: place % 2 === 0 ? 'send' : 'unchanged', earlier: lists[place % revisions] ?? [] },
    });
    const plans = Array.from({ length: limits.maxBatchRecords }, (_, place) => planned(place));
    const pause = { digits: 1.25, passes: 123_456, pauses: 1_234, sinceMs: 1.8e12, untilMs: 1.8e12 };
    const place = { offset: 1e10, firstRecord: 1e7, firstLine: 1e7, records: limits.maxBatchRecords };
    return JSON.stringify({
      ...{
        v: 3,
        feed: 'traffic',
        fileId: 'f'.repeat(40),
        batch: 1e4,
        attempt: 1e3,
        failures: 9,
        kind: 'slice',
        ...place,
      },
      ...{
        ...encodePlans(plans),
        pauses: carryPauses(new Map(plans.map((_, at) => [at, pause]))),
        mac: 'm'.repeat(64),
      },
      ...encodeBody(Buffer.alloc(limits.maxBatchBytes, 'ü')),
    });
  }

  const series = { SLUICE_TRAFFIC_SERIES: '{file}' };
  const size = { records: 10_000, unsent: 9_000 };
  /** Each has sent some of the records: as many as have room (lambdas/core/series/revision-limits.ts). */
  const revisions = 949;
  /** An attribute of a message that waits for AWS; SQS counts it. */
  const noteBytes = 200;

  it('has room in a message for the largest batch with its plans and the pauses that travel with it', () => {
    const [lane] = read(series).feeds[0]?.lanes ?? [];
    if (!lane) throw new Error('no lane');
    const limits = limitsOfRevision(lane.cutLimits, { ...size, earlierBytes: 69 * revisions });
    expect(limits).toMatchObject({ maxBatchRecords: 2_000, maxBatchBytes: 384_000 });
    expect(largestMessage(lane.cutLimits, revisions).length).toBeGreaterThan(prod.queues.maxMessageBytes);
    expect(largestMessage(limits, revisions).length).toBeLessThan(maxMessageBytes - noteBytes);
  });

  it('has it with the largest batches that a stage may have', () => {
    const all = read(series);
    const of = feedOf(all);
    of.lane.maxMessageBytes = maxMessageBytes;
    of.lane.cutLimits.maxBatchBytes = 2 ** 20;
    const [, fits = ''] = /holds (\d+)/.exec(faultsOf(() => checkSettings(all)).join()) ?? [];
    of.lane.cutLimits.maxBatchBytes = Number(fits);
    checkSettings(all);
    const limits = limitsOfRevision(of.lane.cutLimits, { ...size, earlierBytes: 69 * revisions });
    expect(limits.maxBatchRecords).toBe(2 * of.lane.cutLimits.maxBatchRecords);
    expect(largestMessage(limits, revisions).length).toBeLessThan(maxMessageBytes - noteBytes);
  });
});

describe('a file of certificates', () => {
  const issuer = createIssuer('root');
  const cases: [string, () => string, string][] = [
    ['is not there', () => join(folder, 'none.pem'), 'cannot be read'],
    ['is a folder', () => folder, 'cannot be read'],
    ['is empty', () => fileOf(''), 'contains 0 certificates; it must contain 1 to 20'],
    ['holds 21', () => fileOf(issuer.cert.repeat(21)), 'contains 21 certificates'],
    ['holds a key', () => fileOf(issuer.cert + issuer.key), 'contains a private key'],
    [
      'holds a damaged one',
      () => fileOf(issuer.cert + issuer.cert.replace('MII', 'AAA')),
      'certificate 2 cannot be read',
    ],
    ['holds an expired one', () => fileOf(createCertificate('a', issuer, true).cert), 'certificate 1 expired on 20'],
  ];
  it.each(cases)('that %s is refused', (_, path, sentence) => {
    const faults = faultsOf(() => read({ SLUICE_TRAFFIC_CA_FILE: path(), SLUICE_TRAFFIC_CONCURRENCY: '1' }));
    // Told together with the others.
    expect(faults).toHaveLength(2);
    expect(faults[0]).toContain('SLUICE_TRAFFIC_CA_FILE');
    expect(faults[0]).toContain(sentence);
  });
});

describe('settings that do not fit', () => {
  const cases: [setting: string, sentence: string, change: (settings: Settings) => void][] = [
    ["stack is 'Sluice'", 'lower-case', (all) => (all.stackName = 'Sluice')],
    ['stack is', '28 characters', (all) => (all.stackName = 's'.repeat(29))],
    ["The feed 'quarantine'", 'not be called', (all) => (feedOf(all).feed.name = 'quarantine')],
    ["The feed 'spots-finalize'", 'nor end with', (all) => (feedOf(all).feed.name = 'spots-finalize')],
    ["The feed 'spots-intake'", 'nor end with', (all) => (feedOf(all).feed.name = 'spots-intake')],
    ['f-reconciler', 'Lambda allows 64', (all) => (feedOf(all).feed.name = 'f'.repeat(42))],
    [
      'SLUICE_FEEDS has 6 feeds',
      'allows 500',
      (all) => (all.feeds = Array.from({ length: 6 }, () => feedOf(all).feed)),
    ],
    ['splitter', 'Lambda allows 64', (all) => (feedOf(all).lane.id = 'f'.repeat(60))],
    ['consumer.timeoutSeconds', 'runs at most 900 s', (all) => (all.consumer.timeoutSeconds = 901)],
    [
      'SLUICE_PARTS_REQUESTS',
      'share its limit',
      (all) => {
        const { feed } = feedOf(all);
        all.feeds.push({
          ...feed,
          name: 'parts',
          lanes: [],
          api: { ...feed.api, url: `${feed.api.url}/`, requests: 60 },
        });
      },
    ],
    ['SLUICE_TRAFFIC_DEADLINE', "is '25:00 UTC'", (all) => (feedOf(all).feed.deadline = '25:00 UTC')],
    ['SLUICE_TRAFFIC_DEADLINE', 'a time zone', (all) => (feedOf(all).feed.deadline = '05:00 Mars/Olympus')],
    [
      'SLUICE_TRAFFIC_SERIES',
      'small files',
      (all) => Object.assign(feedOf(all).feed, { series: '{file}', smallFiles: true }),
    ],
    [
      'SLUICE_TRAFFIC_SERIES',
      'the record ledger',
      (all) => Object.assign(feedOf(all).feed, { series: '{file}', api: { ...feedOf(all).feed.api, url: undefined } }),
    ],
    [
      "SLUICE_TRAFFIC_SERIES is 'express/traffic/{station}_R{#}.csv'",
      "Write '{station}_R{#}.csv'.",
      (all) => (feedOf(all).feed.series = 'express/traffic/{station}_R{#}.csv'),
    ],
    [
      'SLUICE_TRAFFIC_CHANGED_RECORDS',
      'no file is a revision of another without SLUICE_TRAFFIC_SERIES',
      (all) => (feedOf(all).feed.revisionRules.changedRecords = 'supersedes'),
    ],
    [
      'SLUICE_TRAFFIC_REVISION_GUARD is 0.2',
      'no file is a revision of another without SLUICE_TRAFFIC_SERIES',
      (all) => (feedOf(all).feed.revisionRules.guard = 0.2),
    ],
    ['queues.visibilityFactor is 49', 'at most 43200 s', (all) => (all.queues.visibilityFactor = 49)],
    ['queues.visibilityFactor is 1', '2 times', (all) => (all.queues.visibilityFactor = 1)],
    ['splitter.concurrency is 1', '2 to 1000', (all) => (feedOf(all).lane.splitters = 1)],
    ['splitter.gzip.maxContentBytes', 'at most 22500000000', (all) => (all.splitter.gzip.maxContentBytes = 23e9)],
    ['horizonSeconds is 1919', 'at least 1920', (all) => (all.horizonSeconds = 1919)],
    ['horizonSeconds is 90000', 'at most 86400', (all) => (all.horizonSeconds = 90_000)],
    ['finalizer.concurrency is 1001', '2 to 1000', (all) => (all.finalizer.concurrency = 1001)],
    ['reconciler.stalledAfterSeconds', 'at least 960', (all) => (all.reconciler.stalledAfterSeconds = 900)],
    ['queues.retentionDays is 4', 'must be 14', (all) => (all.queues.retentionDays = 4)],
    ['queues.maxReceives.intake is 4', 'below 5', (all) => (all.queues.maxReceives.intake = 4)],
    ['queues.maxReceives.records is 3', 'below 5', (all) => (all.queues.maxReceives.records = 3)],
    ['queues.maxReceives.letters is 1', '2 times', (all) => (all.queues.maxReceives.letters = 1)],
    ['queues.maxMessageBytes', 'at most 1048576', (all) => (all.queues.maxMessageBytes = 2 ** 21)],
    ['has up to 200000 bytes', 'holds 193536', (all) => (feedOf(all).lane.cutLimits.maxBatchBytes = 200_000)],
    ["maxRecordBytes of the feed 'traffic'", '192000', (all) => (feedOf(all).lane.cutLimits.maxRecordBytes = 192_001)],
    ['SLUICE_TRAFFIC_REQUESTS', 'half of a consumer', (all) => (feedOf(all).lane.cutLimits.maxBatchRecords = 5000)],
    ['SLUICE_TRAFFIC_CONNECTIONS', 'at least', (all) => (feedOf(all).lane.connectionsPerConsumer = 7)],
    ["The feed 'spots-express'", 'nor end with -express', (all) => (feedOf(all).feed.name = 'spots-express')],
    ['workRetentionDays is 30', '60 or more', (all) => (all.workRetentionDays = 30)],
    ['intakeVersionDays is 7', '60 or more', (all) => (all.intakeVersionDays = 7)],
    [
      "keyPrefix 'traffic/'",
      'overlap',
      (all) => feedOf(all).feed.lanes.push({ ...feedOf(all).lane, keyPrefix: 'traffic/x/' }),
    ],
  ];

  it.each(cases)('%s … %s', (setting, sentence, change) => {
    const fault = faultsAfter(change).find((each) => each.includes(setting) && each.includes(sentence));
    expect(fault).toBeDefined();
  });

  it('does not report any of these for the unchanged settings of prod', () => {
    expect(faultsAfter(() => undefined)).toEqual([]);
  });
});

describe('encryption and locks', () => {
  const arn = 'arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab';

  it('use the services’ own keys and governance mode by default', () => {
    expect(read({})).toMatchObject({ archiveLock: 'governance' });
    expect(read({}).kmsKeyArn).toBeUndefined();
    expect(read({ SLUICE_KMS_KEY_ARN: ` ${arn} `, SLUICE_ARCHIVE_LOCK: 'compliance' })).toMatchObject({
      kmsKeyArn: arn,
      archiveLock: 'compliance',
    });
  });

  it.each(['alias/sluice', 'arn:aws:kms:eu-west-1:123456789012:alias/sluice', '1234abcd', `${arn}\nx`])(
    'accept a key only by its ARN: %j',
    (key) => {
      expect(faultsOf(() => read({ SLUICE_KMS_KEY_ARN: key }))).toEqual([
        expect.stringMatching(/^SLUICE_KMS_KEY_ARN is .* must be a key's ARN/s),
      ]);
    },
  );

  it('sign with nothing, with a key that the stack creates, or with an existing one', () => {
    expect(read({}).signingKey).toBe('create');
    expect(read({}, { stage: 'local' }).signingKey).toBe('create');
    for (const value of ['create', 'none', arn]) {
      expect(read({ SLUICE_SIGNING_KEY: ` ${value}` }, { stage: 'local' }).signingKey).toBe(value);
    }
    expect(faultsOf(() => read({ SLUICE_SIGNING_KEY: 'alias/sluice' }))).toEqual([
      "SLUICE_SIGNING_KEY is 'alias/sluice'; it must be create, none, or the ARN of an asymmetric key.",
    ]);
  });

  it('refuse an unknown lock mode, and compliance for data that is not retained', () => {
    expect(faultsOf(() => read({ SLUICE_ARCHIVE_LOCK: 'legal' }))).toEqual([
      "SLUICE_ARCHIVE_LOCK is 'legal'; it must be governance or compliance.",
    ]);
    expect(faultsOf(() => read({ SLUICE_ARCHIVE_LOCK: 'compliance' }, { stage: 'local' }))).toEqual([
      expect.stringContaining('SLUICE_ARCHIVE_LOCK is compliance; the stage local does not retain its data'),
    ]);
  });
});

describe('a fault', () => {
  const withTraffic = (given: StageNumbers['feeds'][string]): StageNumbers => ({ ...prod, feeds: { traffic: given } });

  it('names the setting as it was given: by its variable, or by its place in the stage’s file', () => {
    const numbers = withTraffic({ requests: 1, windowSeconds: 600 });
    expect(faultsOf(() => read({}, { numbers }))[0]).toMatch(
      /^feeds\.traffic\.requests in the stage's file is 1 in 600 s/,
    );
    const environment = { SLUICE_TRAFFIC_REQUESTS: '2' };
    expect(faultsOf(() => read(environment, { numbers }))[0]).toMatch(/^SLUICE_TRAFFIC_REQUESTS is 2 in 600 s/);
  });

  it('names a setting of the stack in the same way', () => {
    const numbers = { ...prod, functionQuota: 1 };
    expect(faultsOf(() => read({}, { numbers }))[0]).toMatch(/^functionQuota in the stage's file is 1;/);
    expect(faultsOf(() => read({ SLUICE_FUNCTION_QUOTA: '2' }, { numbers }))[0]).toMatch(
      /^SLUICE_FUNCTION_QUOTA is 2;/,
    );
  });

  it('names each misspelt variable', () => {
    expect(faultsOf(() => read({ SLUICE_TRAFIC_REQUESTS: '100' }))).toEqual([
      'SLUICE_TRAFIC_REQUESTS is set, and nothing reads it. Did you mean SLUICE_TRAFFIC_REQUESTS?',
    ]);
  });
});
