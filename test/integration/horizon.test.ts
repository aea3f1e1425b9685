import { afterAll, beforeAll, expect, it } from 'vitest';
import { configureFunction } from '../support/configure-function.ts';
import { DeployedStack, waitFor } from '../support/deployed-stack.ts';
import { expectExact } from '../support/expect-exact.ts';
import { csvExport } from '../support/traffic-exports.ts';

/** The API takes 400 a second; the file is four times what may be in the queue. */
const horizon = { records: 1_200, recordsPerSecond: 400 };
const rows = 4_800;

let stack: DeployedStack;
let restore: () => Promise<void>;

beforeAll(async () => {
  stack = new DeployedStack();
  const queue = new URL(stack.output('TrafficIntakeQueueUrl')).pathname.replace(/^.*\//, '');
  await waitFor('an idle splitter', async () =>
    (await stack.depth('TrafficIntakeQueueUrl')) === 0 ? true : undefined,
  );
  restore = await configureFunction(stack.cloud.client, queue.replace(/intake$/, 'splitter'), (before) => ({
    ...before,
    Environment: { Variables: { ...before.Environment.Variables, HORIZON: JSON.stringify(horizon) } },
  }));
});

afterAll(() => restore());

it('a file larger than the queue should hold is split in steps, and does not delay a small one', async () => {
  const [large, small] = [csvExport(rows), csvExport(40)];
  const { fileId } = await stack.drop(`traffic/${large.prefix}.csv`, large.text);
  const held = await waitFor('the large file to be held back', async () => {
    const file = await stack.ledger.getFile(fileId);
    return file?.heldBackUntil === undefined ? undefined : file;
  });
  // Between two looks at the ledger a step of the cutter adds some hundred rows.
  expect(held.checkpoint?.record).toBeGreaterThanOrEqual(horizon.records);
  expect(held.checkpoint?.record).toBeLessThan(rows / 2);

  const dropped = await stack.drop(`traffic/${small.prefix}.csv`, small.text);
  await stack.manifestOf(dropped.fileId);
  expect((await stack.ledger.getFile(fileId))?.manifest).toBeUndefined();

  // Afterwards: this reads the DLQ, which may hold the letters of many tests.
  await expectExact(stack, dropped.fileId, small);
  await expectExact(stack, fileId, large);
  // Each claim raises the epoch: the first one, and one after each hold.
  expect((await stack.ledger.getFile(fileId))?.epoch).toBeGreaterThan(2);
});
