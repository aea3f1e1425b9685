import { PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { beforeAll, expect, inject, it } from 'vitest';
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

it.each(simple.map((each, index) => ({ ...each, index })))('$name', async ({ index, ...fault }) => {
  await runCase(stack, { ...fault, rows, seed: seed + 100 + index });
});

it.each([
  { name: 'an outage of two minutes that answers 503', api: { outageMs: 120_000, outageAs: '503' as const } },
  { name: 'an outage of half a minute that loses connections', api: { outageMs: 30_000, outageAs: 'reset' as const } },
])('$name', async (fault) => {
  const manifest = await runCase(stack, { ...fault, rows, seed: seed + 120 + fault.name.length });
  // The breaker left the API alone: what it saw of the outage are a few dozen requests, not thousands.
  expect(manifest.times.duration_seconds).toBeGreaterThan(fault.api.outageMs / 1000);
});

it.each([
  { name: 'a token that is rotated at the API after the secret has it', secretFirst: true },
  { name: 'a token that is rotated at the API before the secret has it', secretFirst: false },
])('$name', async ({ name, secretFirst }) => {
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
      await waitFor('records under way', async () => (await stack.apiStats()).stored > stored + 500 || undefined);
      if (secretFirst) await putSecret();
      await stack.setFaults({ token });
      await waitFor('a token turned down', async () => (await turnedDown()) > before || undefined);
      await putSecret();
    },
  });
});
