import { PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { DeployedStack, waitFor } from '../support/deployed-stack.ts';
import type { FaultCase } from './run-case.ts';
import { runCase } from './run-case.ts';

const seed = inject('faultSeed');
const rows = 4_000;

let stack: DeployedStack;
beforeAll(() => {
  stack = new DeployedStack();
});

const simple: Omit<FaultCase, 'rows' | 'seed'>[] = [
  { name: 'no fault at all' },
  { name: '5% errors, half of them after storing', api: { errorRate: 0.05 } },
  { name: '3% lost connections, half of them after storing', api: { resetRate: 0.03 } },
  { name: '2% time-outs, half of them after storing', api: { timeoutRate: 0.02 } },
  { name: 'answers that take 5 to 500 ms', api: { latencyMs: [5, 500] } },
  { name: 'bodies that are garbled or never end', api: { garbledBodyRate: 0.05, endlessBodyRate: 0.005 } },
  { name: 'a storm of 429 that tell seconds', api: { throttleStormMs: 4_000 } },
  { name: 'a storm of 429 that tell a date', api: { throttleStormMs: 4_000, retryAfterAs: 'date' } },
  { name: 'a storm of 429 that tell nothing', api: { throttleStormMs: 3_000, throttleRetryAfterSeconds: null } },
  { name: 'a storm of 429 long enough to open the breaker', api: { throttleStormMs: 30_000 } },
];

describe('an account is exact after', () => {
  for (const [index, fault] of simple.entries()) {
    it(fault.name, async () => {
      await runCase(stack, { ...fault, rows, seed: seed + 100 + index });
    });
  }
});

describe('the breaker leaves the API alone in', () => {
  const outages = [
    { name: 'an outage of two minutes that answers 503', api: { outageMs: 120_000, outageAs: '503' as const } },
    {
      name: 'an outage of half a minute that loses connections',
      api: { outageMs: 30_000, outageAs: 'reset' as const },
    },
  ];
  for (const [index, fault] of outages.entries()) {
    it(fault.name, async () => {
      const struck = async () => (await stack.apiStats()).faults['outage'] ?? 0;
      const before = await struck();
      await runCase(stack, { ...fault, rows, seed: seed + 120 + index });
      expect((await struck()) - before).toBeLessThan(rows / 20);
    });
  }
});

async function rotate(name: string, secretFirst: boolean): Promise<void> {
  const token = `rotated-${secretFirst ? 'after' : 'before'}`;
  const putSecret = () =>
    new SecretsManagerClient(stack.cloud.client).send(
      new PutSecretValueCommand({ SecretId: stack.output('TrafficTokenSecretArn'), SecretString: token }),
    );
  const turnedDown = async () => (await stack.apiStats()).byStatus['401'] ?? 0;
  await runCase(stack, {
    name,
    rows,
    seed: seed + (secretFirst ? 180 : 181),
    during: async () => {
      const before = await turnedDown();
      const { stored } = await stack.apiStats();
      await waitFor('records in progress', async () => (await stack.apiStats()).stored > stored + 500 || undefined);
      if (secretFirst) await putSecret();
      await stack.setFaults({ token });
      await waitFor('a token turned down', async () => (await turnedDown()) > before || undefined);
      await putSecret();
    },
  });
}

describe('records wait for', () => {
  for (const secretFirst of [true, false]) {
    const name = `a token that is rotated at the API ${secretFirst ? 'after' : 'before'} the secret has it`;
    it(name, () => rotate(name, secretFirst));
  }
});
