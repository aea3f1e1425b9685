import { beforeEach, describe, expect, it } from 'vitest';
import { resetLimit, setLimit } from '../../../../cli/operate/change-limit.ts';
import type { DecisionResult, LimitPorts } from '../../../../cli/operate/feed-limit.ts';
import { readLimit } from '../../../../cli/operate/feed-limit.ts';
import { pauseFeed, resumeFeed } from '../../../../cli/operate/pause-feed.ts';
import { describeFeedLimit, formatFeedLimit } from '../../../../cli/show/feed-limit.ts';
import { StackOutputs } from '../../../../cli/stack/stack-outputs.ts';
import { fileAccount } from '../../../support/file-account.ts';
import { InMemoryLimiterStore } from '../../../support/in-memory-limiter-store.ts';
import { LiveStack } from '../../../support/live-stack.ts';
import { SimulatedClock } from '../../../support/simulated-clock.ts';

const anna = { by: 'anna', why: 'the API’s owner asked' };
const api = {
  ...{ id: 'avstar', url: 'https://avstar.example', requests: 600, windowSeconds: 60, connections: 20, consumers: 4 },
  deadline: { hour: 5, minute: 0, timeZone: 'America/New_York' },
};

let clock: SimulatedClock;
let store: InMemoryLimiterStore;
let ports: LimitPorts;
let events: { type: string; detail: object }[];

function open(outputs: Record<string, object>): void {
  clock = new SimulatedClock();
  store = new InMemoryLimiterStore();
  events = [];
  const values = Object.entries(outputs).map(([name, value]): [string, string] => [name, JSON.stringify(value)]);
  ports = {
    ...{ outputs: new StackOutputs('s', Object.fromEntries(values)), limiterOf: () => store, clock },
    events: { publish: async (type, detail) => void events.push({ type, detail }) },
  };
}

beforeEach(() => open({ TrafficApi: api }));

const whyOf = (result: DecisionResult): string => (result.kind === 'refused' ? result.why : '');

async function shown(feed = 'traffic'): Promise<string> {
  const known = await readLimit(feed, ports);
  return known.kind === 'known' ? formatFeedLimit(known.state, clock.now()) : known.why;
}

describe('a limit', () => {
  const zone = '  times in America/New_York (GMT-5)\n';

  it('is shown with its source, its end, who set it and why', async () => {
    expect(await shown()).toBe(`traffic: 600 requests in 60 s, as deployed\n${zone}`);
    // At 02:00 UTC, 21:00 in New York.
    expect(await setLimit('traffic', { requests: 60, until: '06:00' }, anna, ports)).toMatchObject({
      kind: 'decided',
      decision: { from: 600, to: 60, until: Date.UTC(2026, 0, 5, 11) },
    });
    const set = 'set by anna until 5 Jan 06:00, because the API’s owner asked';
    expect(await shown()).toBe(`traffic: 60 of 600 requests in 60 s, ${set}\n${zone}`);
    expect(events).toEqual([
      {
        type: 'limit changed',
        detail: {
          ...{
            api: 'avstar',
            feed: 'traffic',
            kind: 'limit',
            policy: 1,
            from: 600,
            to: 60,
            window_seconds: 60,
            ...anna,
          },
          ...{ at: '2026-01-05T02:00:00.000Z', until: '2026-01-05T11:00:00.000Z' },
        },
      },
    ]);
    const known = await readLimit('traffic', ports);
    expect(known.kind === 'known' && describeFeedLimit(known.state)).toMatchObject({
      limit: {
        requests: 60,
        deployed_requests: 600,
        set_by: 'operator',
        by: 'anna',
        until: '2026-01-05T11:00:00.000Z',
      },
      paused: null,
    });
    await clock.advance(9 * 3_600_000);
    expect(await shown()).toContain('600 requests in 60 s, as deployed');
  });

  it('ends only when it is reset', async () => {
    await setLimit('traffic', { requests: 60 }, anna, ports);
    await clock.advance(1e9);
    expect(await shown()).toContain('60 of 600');
    expect(await resetLimit('traffic', { by: 'ben' }, ports)).toMatchObject({ kind: 'decided', decision: { to: 600 } });
    expect(whyOf(await resetLimit('traffic', { by: 'ben' }, ports))).toContain('there is nothing to reset');
  });

  it.each([
    [
      'above what is deployed',
      { requests: 601 },
      '600 requests in 60 s. To raise that, deploy with SLUICE_TRAFFIC_REQUESTS',
    ],
    ['below 1% of it', { requests: 5 }, "can't be below 6 requests in 60 s"],
    [
      'until a time that is none',
      { requests: 60, until: 'soon' },
      "--until is 'soon'; it must be a time of day such as",
    ],
    ['until a moment that has passed', { requests: 60, until: '2026-01-05T01:59Z' }, 'a moment to come'],
  ])('%s is refused with an explanation', async (_, wish, sentence) => {
    expect(whyOf(await setLimit('traffic', wish, anna, ports))).toContain(sentence);
    expect(store.item).toEqual({});
  });

  it.each([
    ['an unknown feed', {}, 'trafic', "There is no feed 'trafic'. Feeds: traffic"],
    ['a feed that is not deployed', {}, 'maintenance', "The feed 'maintenance' is not deployed in this stack."],
    ['the record ledger', { MaintenanceApi: { ...api, url: null } }, 'maintenance', 'sluice pause maintenance'],
    ['a feed without pacing', { TrafficApi: { ...api, isPaced: false } }, 'traffic', 'SLUICE_TRAFFIC_PACED is off'],
    ['an earlier stack', { TrafficApi: { ...api, id: undefined } }, 'traffic', 'deploy it again first'],
  ])('of %s is refused with an explanation', async (_, outputs, feed, sentence) => {
    open(outputs);
    expect(whyOf(await setLimit(feed, { requests: 60 }, anna, ports))).toContain(sentence);
  });

  it('is decided again if another decision came first, and stands even if no event can be published', async () => {
    const decide = store.decide.bind(store);
    let isFirst = true;
    store.decide = async (change) => {
      if (isFirst) {
        isFirst = false;
        await pauseFeed('traffic', anna, ports);
      }
      return decide(change);
    };
    ports.events = { publish: () => Promise.reject(new Error('EventBridge is away')) };
    expect(await setLimit('traffic', { requests: 60 }, anna, ports)).toMatchObject({
      kind: 'decided',
      decision: { policy: 2 },
      state: { pause: { by: 'anna' } },
      unpublished: new Error('EventBridge is away'),
    });
  });
});

describe('a pause', () => {
  it('is shown with who, since when and why; it begins and ends once', async () => {
    expect(whyOf(await resumeFeed('traffic', anna, ports))).toContain('traffic is not paused');
    expect(await pauseFeed('traffic', anna, ports)).toMatchObject({ kind: 'decided' });
    const paused = 'PAUSED by anna since 21:00, because the API’s owner asked';
    expect(await shown()).toContain(`traffic: ${paused}\n`);
    expect(whyOf(await pauseFeed('traffic', { by: 'ben', why: 'x' }, ports))).toContain(`traffic is ${paused}.`);
    expect(await resumeFeed('traffic', { by: 'ben' }, ports)).toMatchObject({ kind: 'decided' });
    expect(await shown()).not.toContain('PAUSED');
    expect(events.map(({ type }) => type)).toEqual(['feed paused', 'feed resumed']);
  });

  it('is possible for the record ledger, too', async () => {
    open({ MaintenanceApi: { ...api, url: null, deadline: undefined } });
    expect(await pauseFeed('maintenance', anna, ports)).toMatchObject({ kind: 'decided', state: { limit: undefined } });
    expect(await shown('maintenance')).toContain('PAUSED by anna since 02:00');
  });

  it('and a limit are on every screen, with the end that a resume now would have', async () => {
    const stack = new LiveStack();
    const live: LimitPorts = { ...ports, limiterOf: () => stack.limiter, clock: stack.clock };
    stack.add(fileAccount({ createdAt: stack.clock.now() - 60_000 }));
    await setLimit('traffic', { requests: 300 }, anna, live);
    await pauseFeed('traffic', { by: 'ben', why: 'a wrong file' }, live);
    const { headlines, apis, files } = await stack.reader().look();
    expect(headlines.map(({ tone, text }) => `${tone}: ${text}`)).toEqual([
      'alarm: traffic is PAUSED by ben since 21:00, because a wrong file.',
      'warning: The limit of traffic is 300 of 600 requests in 60 s, set by anna, because the API’s owner asked.',
      expect.stringMatching(/^busy: 1 file in progress; resumed now, done at the earliest 21:03/),
    ]);
    expect(apis[0]).toMatchObject({
      limit: { requests: 300, per_second: 5 },
      policy: { set_by: 'operator', deployed_requests: 600, by: 'anna' },
      paused: [{ feed: 'traffic', by: 'ben', why: 'a wrong file', since: '2026-01-05T02:00:00.000Z' }],
    });
    expect(files[0]?.activity).toBe('paused');
    expect(files[0]?.projected).toMatch(/^resumed now, done at the earliest 21:03/);
  });
});
