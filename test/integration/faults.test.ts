import { randomInt } from 'node:crypto';
import { expect, it } from 'vitest';
import { runCase } from '../faults/run-case.ts';
import { DeployedStack } from '../support/deployed-stack.ts';

// The short form of test/faults/, which kills functions too and takes its time: what every change should be held against.
it('an account stays exact while the API and AWS fail at once', async () => {
  const stack = new DeployedStack();
  const seed = Number(process.env['SLUICE_FAULT_SEED'] ?? randomInt(2 ** 31));
  console.log(`SLUICE_FAULT_SEED=${seed}`);
  const before = await stack.apiStats();
  await runCase(stack, {
    name: 'the usual faults at once',
    rows: 2_000,
    seed,
    api: { errorRate: 0.05, resetRate: 0.03, timeoutRate: 0.001, latencyMs: [1, 60] },
    aws: {
      rules: [
        { service: 'dynamodb', fault: 'throttle', share: 0.03 },
        { service: 'dynamodb', fault: 'resetAfter', share: 0.03 },
        { service: 'sqs', fault: 'error', share: 0.05 },
        { service: 'sqs', fault: 'throttle', share: 0.05 },
        // It changes signed requests, and signatures are checked if IAM is evaluated.
        ...(stack.cloud.enforcement ? [] : [{ service: 'sqs', fault: 'partial', share: 0.3 } as const]),
        { service: 's3', fault: 'throttle', share: 0.1 },
        { service: 's3', fault: 'resetAfter', share: 0.05 },
      ],
    },
    // A message that is delivered twice is not included: a second copy of a batch waits a minute for the first.
    letters: 'once',
  });
  const after = await stack.apiStats();
  expect(after.faults['error'] ?? 0).toBeGreaterThan(before.faults['error'] ?? 0);
});
