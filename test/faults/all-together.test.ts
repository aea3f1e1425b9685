import { PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { expect, inject, it } from 'vitest';
import type { FaultsInput } from '../../localstack/fake-avstar/faults.ts';
import type { ProxyFaultsInput } from '../../localstack/fault-proxy/proxy-faults.ts';
import { SeededDice } from '../../localstack/seeded-dice.ts';
import { DeployedStack, waitFor } from '../support/deployed-stack.ts';
import { killAtRandom } from './kill-at-random.ts';
import { announceAgain } from './known-export.ts';
import { runCase } from './run-case.ts';

const seed = inject('faultSeed');

const api: FaultsInput = { errorRate: 0.05, resetRate: 0.03, timeoutRate: 0.02, latencyMs: [5, 500] };

const aws: ProxyFaultsInput = {
  latencyMs: [1, 30],
  rules: [
    { service: 'dynamodb', fault: 'throttle', share: 0.05 },
    { service: 'dynamodb', fault: 'resetAfter', share: 0.02 },
    { service: 'sqs', fault: 'error', share: 0.03 },
    { service: 'sqs', fault: 'throttle', share: 0.03 },
    { service: 'sqs', fault: 'partial', share: 0.2 },
    { service: 'sqs', operations: ['SendMessageBatch'], fault: 'twice', share: 0.5 },
    // Successors: a batch that is delivered twice is handed over twice, so more of this would only fill the queue.
    { service: 'sqs', operations: ['SendMessage'], fault: 'twice', share: 0.05 },
    { service: 's3', fault: 'throttle', share: 0.05 },
    { service: 's3', fault: 'resetAfter', share: 0.02 },
  ],
};

it('the account is exact although all faults happen at once', async () => {
  const stack = new DeployedStack();
  const storedSoFar = async () => (await stack.apiStats()).stored;
  const before = await storedSoFar();
  const records = async (count: number) => {
    await waitFor(`${count} records`, async () => (await storedSoFar()) >= before + count || undefined, 600_000);
  };
  const secrets = new SecretsManagerClient(stack.cloud.client);
  const SecretId = stack.output('TrafficTokenSecretArn');
  let killed = 0;
  await runCase(stack, {
    name: 'all faults at once',
    rows: 6_000,
    seed: seed + 900,
    api,
    aws,
    letters: 'repeated',
    timeoutMs: 800_000,
    during: async (dropped) => {
      const dice = new SeededDice(seed);
      const functions = ['splitter', 'consumer', 'finalizer'] as const;
      const kills = killAtRandom(stack, { functions, kills: 4, withinMs: 6_000, fileId: dropped.fileId, dice });
      await announceAgain(stack, dropped);
      await records(1_000);
      const token = 'rotated-among-faults';
      await secrets.send(new PutSecretValueCommand({ SecretId, SecretString: token }));
      await stack.setFaults({ ...api, token });
      await records(2_500);
      await stack.setFaults({ ...api, throttleStormMs: 4_000, retryAfterAs: 'date' });
      await records(4_000);
      await stack.setFaults({ ...api, outageMs: 20_000, outageAs: 'reset' });
      killed = await kills;
    },
  });
  expect(killed).toBeGreaterThan(0);
}, 1_800_000);
