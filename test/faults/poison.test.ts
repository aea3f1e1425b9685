import { beforeAll, describe, expect, inject, it } from 'vitest';
import type { Manifest } from '../../lambdas/core/account/manifest.ts';
import type { FaultsInput } from '../../localstack/fake-avstar/faults.ts';
import { DeployedStack } from '../support/deployed-stack.ts';
import type { KnownExport } from './known-export.ts';
import { takeForPoison } from './known-export.ts';
import { runCase } from './run-case.ts';

const seed = inject('faultSeed');
const rows = 1_500;
/** A record that the API fails on each time has five attempts, four minutes or so apart in all. */
const timeoutMs = 600_000;

let stack: DeployedStack;
beforeAll(() => {
  stack = new DeployedStack();
});

type Answers = NonNullable<FaultsInput['spotAnswers']>;
type Poison = (truth: KnownExport) => Answers;

const poisons: Record<string, Poison> = {
  'one spot that a firewall answers 403': (truth) => [
    { spots: takeForPoison(truth, { from: 40, spots: 1, outcome: 'refused', reason: 'http_403' }), status: 403 },
  ],
  'one spot that is answered 429 each time': (truth) => [
    {
      spots: takeForPoison(truth, { from: 90, spots: 1, outcome: 'exhausted', reason: 'http_429' }),
      status: 429,
      retryAfterSeconds: 1,
    },
  ],
  'twelve spots in a row that are answered 500 each time': (truth) => [
    { spots: takeForPoison(truth, { from: 200, spots: 12, outcome: 'exhausted', reason: 'http_500' }), status: 500 },
  ],
  'spots whose first request is in progress for a while': ({ valid }) => [
    {
      spots: valid.slice(300, 303).map(({ spot_id: id }) => id),
      status: 409,
      body: '{"error":"a request with this id is in progress"}',
      times: 2,
    },
  ],
  'spots that are answered 200 with an error inside at first': ({ valid }) => [
    {
      spots: valid.slice(400, 420).map(({ spot_id: id }) => id),
      status: 200,
      body: '{"status":"error"}',
      times: 2,
    },
  ],
};

/** What an open breaker costs at the least. Seconds. */
const breakerPauseSeconds = 60;

/** Nobody waited for the poison: 1,500 records take three seconds, and some of them another attempt. */
function expectUndelayed({ times }: Manifest, withinSeconds = breakerPauseSeconds): void {
  expect(times.upload_seconds).toBeLessThan(withinSeconds);
}

describe('an account is exact, and no other record is delayed, with', () => {
  for (const [index, [name, poison]] of Object.entries(poisons).entries()) {
    it(name, async () => {
      const ofSpots = (truth: KnownExport) => ({ spotAnswers: poison(truth) });
      expectUndelayed(await runCase(stack, { name, rows, seed: seed + 500 + index, poison: ofSpots, timeoutMs }));
    });
  }

  it('one failing machine in three', async () => {
    const api = { machinesOneBad: 3 };
    const name = 'one bad machine in three';
    expectUndelayed(await runCase(stack, { name, rows, seed: seed + 550, api, timeoutMs }));
  });

  it('all of them together', async () => {
    const poison = (truth: KnownExport) => ({ spotAnswers: Object.values(poisons).flatMap((each) => each(truth)) });
    const manifest = await runCase(stack, { name: 'all poisons', rows, seed: seed + 560, poison, timeoutMs });
    // 32 records that fail at about the same time look like an outage: the breaker may open once or twice.
    expectUndelayed(manifest, 3 * breakerPauseSeconds);
  });

  it('a failing machine beside records that it does not affect', async () => {
    // A record that is answered 429 or 403 may meet the bad machine at its last try, and end for that.
    const names = Object.keys(poisons).filter((name) => !/403|429/.test(name));
    await runCase(stack, {
      name: 'a bad machine and poison',
      rows,
      seed: seed + 570,
      api: { machinesOneBad: 3 },
      poison: (truth) => ({ spotAnswers: names.flatMap((name) => poisons[name]?.(truth) ?? []) }),
      timeoutMs,
    });
  });
});
