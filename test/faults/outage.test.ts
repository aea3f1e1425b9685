import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { DeployedStack, waitFor } from '../support/deployed-stack.ts';
import { checkAccount } from './check-account.ts';
import { dropExport, makeExport } from './known-export.ts';
import { runCase } from './run-case.ts';

const seed = inject('faultSeed');
/** Enough that most batches wait in their queue when the outage begins. */
const rows = 8_000;
/**
 * Longer than a message's five receives take at 30 s each; with the delays of the stage `drill`, a sixth to a thirtieth of
 * prod's, it is to a message what ten minutes and more are there.
 */
const outageMs = 140_000;
const timeoutMs = 400_000;

let stack: DeployedStack;
beforeAll(() => {
  stack = new DeployedStack();
});

/** Accounts that are exact include that no record is exhausted, so no batch was buried, and that no DLQ holds work. */
describe('an outage loses no record, buries no batch and sends none to a DLQ, with a full queue, of', () => {
  it.each([
    ['DynamoDB', 'dynamodb', 600],
    ['S3', 's3', 620],
  ])('%s', async (name, service, place) => {
    const second = makeExport(300, seed + place + 1);
    const letters = 'repeated' as const;
    await runCase(stack, {
      ...{ name: `${name} is down`, rows, seed: seed + place, letters, timeoutMs },
      during: async ({ fileId }) => {
        await waitFor('a full queue', async () => {
          const file = await stack.ledger.getFile(fileId);
          return (file?.state === 'split' && file.settledBatches > 0) || undefined;
        });
        await stack.setAwsFaults({ rules: [{ service, fault: 'error', share: 1 }] });
        expect(await stack.depth('TrafficRecordsQueueUrl')).toBeGreaterThan(4);
        // S3 announces it all the same: its event waits as well.
        const dropped = await dropExport(stack, second);
        await delay(outageMs);
        await stack.setAwsFaults({});
        await checkAccount(stack, dropped, second, { letters, timeoutMs });
      },
    });
  });
});
