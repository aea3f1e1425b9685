import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { ListBucketsCommand } from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, it } from 'vitest';
import { DeployedStack, waitFor } from '../support/deployed-stack.ts';
import { lacks } from '../support/lacks.ts';
import { startSmoke } from '../support/run-sluice.ts';

/** `npm run smoke:aws` on the local cloud: the same steps, with the tests' API in place of one in AWS. */
describe.skipIf(lacks('loopback'))('the smoke test', () => {
  let stack: DeployedStack;
  beforeAll(() => {
    stack = new DeployedStack();
  });

  const args = () => ['--yes', '--api-url', stack.cloud.api.url];
  const stackOf = (text: string): string => /deploys (sluice-smoke-[0-9a-f]{8}),/.exec(text)?.[1] ?? 'none';

  async function expectGone(stackName: string): Promise<void> {
    expect(stackName).toMatch(/^sluice-smoke-/);
    const client = new CloudFormationClient(stack.cloud.client);
    await expect(client.send(new DescribeStacksCommand({ StackName: stackName }))).rejects.toThrow(/does not exist/);
    client.destroy();
    const { Buckets = [] } = await stack.s3.send(new ListBucketsCommand());
    expect(Buckets.filter(({ Name }) => Name?.startsWith(stackName))).toEqual([]);
  }

  it('only prints what it would do without --yes', async () => {
    const { code, out } = await startSmoke(stack, args().slice(1)).end;
    expect(code).toBe(0);
    expect(out).toContain('Nothing was done.');
    await expectGone(stackOf(out));
  });

  it('completes every step, and leaves nothing behind', async () => {
    const { code, out, err } = await startSmoke(stack, args()).end;
    expect(out, err).toContain('The spots: 205 = 200 uploaded + 3 rejected + 2 refused');
    expect(out).toContain('The maintenance records: 50 = 50 uploaded');
    expect(out).toMatch(/5 dead letters .*; 2 were accepted, 3 failed again/);
    expect(out).toContain('The amended account has 2 resolved records, and its sum is exact');
    expect(out).toMatch(/The evidence of traffic is verified: [1-9]/);
    expect(out).toMatch(/The evidence of maintenance is verified: [1-9]/);
    expect(out).toMatch(/[1-9]\d* alarms are there/);
    expect(out).toContain('Cost, estimated from list prices');
    expect(out).not.toContain('NO ');
    expect(code).toBe(0);
    await expectGone(stackOf(out));
  });

  it('deletes what it has deployed if it is interrupted', async () => {
    const running = startSmoke(stack, args());
    const client = new CloudFormationClient(stack.cloud.client);
    // Not before CloudFormation has begun to create a resource.
    await waitFor('the stack', () =>
      client.send(new DescribeStacksCommand({ StackName: stackOf(running.said.out) })).catch(() => undefined),
    );
    client.destroy();
    running.child.kill('SIGINT');
    const { code, out, err } = await running.end;
    expect(err).toContain('Interrupted; the smoke test has deleted its stacks.');
    expect(code).toBe(130);
    await expectGone(stackOf(out));
  });
});
