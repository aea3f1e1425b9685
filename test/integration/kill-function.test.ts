import { randomUUID } from 'node:crypto';
import { beforeAll, expect, it } from 'vitest';
import { DeployedStack } from '../support/deployed-stack.ts';
import { lacks } from '../support/lacks.ts';
import { killFunction } from '../support/kill-function.ts';

let stack: DeployedStack;
beforeAll(() => {
  stack = new DeployedStack();
});

/** An empty file, whose account the splitter ends without any other function but the finalizer. */
async function runSplitter(): Promise<void> {
  const { fileId } = await stack.drop(`traffic/${randomUUID()}.csv`, Buffer.alloc(0));
  await stack.manifestOf(fileId);
}

it.skipIf(lacks('killing'))(
  'kills the processes of a function and of no other; the next message gets a new one',
  async () => {
    await runSplitter();
    expect(await killFunction(stack, 'traffic-splitter')).toBeGreaterThan(0);
    // The finalizer's process is still there to be killed.
    expect(await killFunction(stack.cloud.client.endpoint, 'finalizer')).toBeGreaterThan(0);
    await runSplitter();
    expect(await killFunction(stack, 'no-such-function')).toBe(0);
  },
);

it('kills nothing at an address where no endpoint of this checkout runs', async () => {
  await expect(killFunction('http://127.0.0.1:1', 'splitter')).rejects.toThrow(/127\.0\.0\.1:1/);
});
