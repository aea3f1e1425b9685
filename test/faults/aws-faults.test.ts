import { beforeAll, describe, inject, it } from 'vitest';
import { DeployedStack } from '../support/deployed-stack.ts';
import type { FaultCase } from './run-case.ts';
import { announceAgain } from './known-export.ts';
import { runCase } from './run-case.ts';

const seed = inject('faultSeed');
const rows = 4_000;

let stack: DeployedStack;
beforeAll(() => {
  stack = new DeployedStack();
});

const send = ['SendMessage', 'SendMessageBatch'];

const cases: Omit<FaultCase, 'rows' | 'seed'>[] = [
  {
    name: 'DynamoDB throttles 15% of all calls',
    aws: { rules: [{ service: 'dynamodb', fault: 'throttle', share: 0.15 }] },
  },
  {
    name: 'DynamoDB fails and loses connections before it has done anything',
    aws: {
      rules: [
        { service: 'dynamodb', fault: 'error', share: 0.1 },
        { service: 'dynamodb', fault: 'resetBefore', share: 0.1 },
      ],
    },
  },
  {
    name: 'DynamoDB has done a tenth of the calls whose answers are lost',
    aws: { rules: [{ service: 'dynamodb', fault: 'resetAfter', share: 0.1 }] },
  },
  {
    name: 'SQS fails, throttles, and takes parts of batches',
    aws: {
      rules: [
        { service: 'sqs', fault: 'error', share: 0.1 },
        { service: 'sqs', fault: 'throttle', share: 0.1 },
        { service: 'sqs', fault: 'resetBefore', share: 0.05 },
        { service: 'sqs', fault: 'partial', share: 0.3 },
      ],
    },
  },
  {
    name: 'SQS has taken a fifth of the messages whose answers are lost',
    aws: { rules: [{ service: 'sqs', operations: send, fault: 'resetAfter', share: 0.2 }] },
    letters: 'repeated',
  },
  {
    name: 'S3 asks to slow down, fails, and loses connections before and after',
    aws: {
      rules: [
        { service: 's3', fault: 'throttle', share: 0.15 },
        { service: 's3', fault: 'error', share: 0.05 },
        { service: 's3', fault: 'resetBefore', share: 0.1 },
        { service: 's3', fault: 'resetAfter', share: 0.1 },
      ],
    },
  },
  { name: 'every call to AWS takes 5 to 250 ms', aws: { latencyMs: [5, 250] } },
];

describe('an account is exact where', () => {
  for (const [index, fault] of cases.entries()) {
    it(fault.name, async () => {
      await runCase(stack, { ...fault, rows, seed: seed + 200 + index });
    });
  }
});

it('every message is delivered twice, including the one that announces the file', async () => {
  await runCase(stack, {
    name: 'every message is there twice',
    rows,
    seed: seed + 250,
    aws: { rules: [{ service: 'sqs', operations: send, fault: 'twice', share: 1 }] },
    letters: 'repeated',
    during: (dropped) => announceAgain(stack, dropped),
  });
});
