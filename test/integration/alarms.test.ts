import { ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DeployedStack, waitFor } from '../support/deployed-stack.ts';
import { openMailbox } from '../support/mailbox.ts';
import { callSigned } from '../support/signed-call.ts';

let stack: DeployedStack;
let mailbox: Awaited<ReturnType<typeof openMailbox>>;

beforeAll(async () => {
  stack = new DeployedStack();
  mailbox = await openMailbox(stack);
});

afterAll(() => mailbox.close());

/** As CloudWatch would take it from the log (EMF), which local clouds don't. */
function putMetric(name: string, value: number): Promise<string> {
  const form = new URLSearchParams({
    Action: 'PutMetricData',
    Version: '2010-08-01',
    Namespace: 'Sluice',
    'MetricData.member.1.MetricName': name,
    'MetricData.member.1.Value': String(value),
    'MetricData.member.1.Dimensions.member.1.Name': 'feed',
    'MetricData.member.1.Dimensions.member.1.Value': 'traffic',
    'MetricData.member.1.Dimensions.member.2.Name': 'stack',
    'MetricData.member.1.Dimensions.member.2.Value': stack.cloud.stackName,
  });
  return callSigned(stack.cloud.client, {
    service: 'monitoring',
    method: 'POST',
    path: '/',
    body: form.toString(),
    contentType: 'application/x-www-form-urlencoded',
  });
}

async function received(wanted: string): Promise<string | undefined> {
  const { Messages = [] } = await stack.sqs.send(
    new ReceiveMessageCommand({ QueueUrl: mailbox.url, MaxNumberOfMessages: 10, WaitTimeSeconds: 1 }),
  );
  return Messages.map(({ Body = '' }) => Body).find((body) => body.includes(wanted));
}

// What CloudWatch does is its own business; that a figure of ours reaches the desk, with the way to the runbook, is not.
it.each([
  ['BreakerOpen', 1, 'traffic-breaker-open', 'Breaker open'],
  ['DeadlineMarginSeconds', -60, 'traffic-deadline-at-risk', 'Deadline at risk'],
])('a %s of %d reaches the desk as the alarm %s', async (metric, value, alarm, section) => {
  await putMetric(metric, value);
  const message = await waitFor(`the alarm ${alarm}`, () => received(`-${alarm}`));
  expect(message).toContain('ALARM');
  expect(message).toContain(section);
  expect(message).toContain('docs/operations.md');
});
