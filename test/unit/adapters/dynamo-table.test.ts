import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openTable } from '../../../lambdas/adapters/dynamo-ledger.ts';
import type { DynamoTable } from '../../../lambdas/adapters/dynamo-table.ts';

/** What DynamoDB answers, one after the other; then that all is well. */
let answers: { type: string; reasons?: { Code: string }[] }[] = [];
let calls = 0;
const server = createServer((request, response) => {
  request.resume().on('end', () => {
    calls++;
    const answer = answers.shift();
    const body = answer
      ? {
          __type: `com.amazonaws.dynamodb.v20120810#${answer.type}`,
          message: 'no',
          CancellationReasons: answer.reasons,
        }
      : { Attributes: { name: { S: 'x' } } };
    response.writeHead(answer ? 400 : 200, { 'content-type': 'application/x-amz-json-1.0' });
    response.end(JSON.stringify(body));
  });
});
let table: DynamoTable;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  table = openTable(new DynamoDBClient({ endpoint, region: 'us-east-1', credentials }), 'ledger');
});
afterAll(() => server.close());
beforeEach(() => {
  answers = [];
  calls = 0;
});

const update = () => table.update('FILE#f', 'FILE', { UpdateExpression: 'SET #a = :b' });
const transact = () => table.transact([{ Key: { pk: 'p', sk: 's' }, UpdateExpression: 'SET a = :b' }]);

describe('a write that meets a transaction', () => {
  it('is made again until it has come past it', async () => {
    answers = [{ type: 'TransactionConflictException' }, { type: 'TransactionConflictException' }];
    expect(await update()).toEqual({ name: 'x' });
    expect(calls).toBe(3);
  });

  it('is made again where it is a transaction itself', async () => {
    answers = [{ type: 'TransactionCanceledException', reasons: [{ Code: 'None' }, { Code: 'TransactionConflict' }] }];
    expect(await transact()).toBe(true);
    expect(calls).toBe(2);
  });

  it.each(['ThrottlingError', 'ProvisionedThroughputExceeded'])(
    'is made again where it was throttled: %s',
    async (Code) => {
      answers = [{ type: 'TransactionCanceledException', reasons: [{ Code }, { Code: 'None' }] }];
      expect(await transact()).toBe(true);
      answers = [{ type: 'TransactionCanceledException', reasons: [{ Code: 'None' }, { Code }] }];
      expect(await table.createAll([{ pk: 'p', sk: 's' }])).toBe(true);
      expect(calls).toBe(4);
    },
  );

  it('is made again where its first copy is still in progress', async () => {
    answers = [{ type: 'TransactionInProgressException' }];
    expect(await transact()).toBe(true);
  });

  it('is not made again where the transaction is wrong', async () => {
    answers = [{ type: 'TransactionCanceledException', reasons: [{ Code: 'ValidationError' }, { Code: 'None' }] }];
    await expect(transact()).rejects.toThrow('no');
    expect(calls).toBe(1);
  });

  it('is given up when that goes on and on', async () => {
    answers = Array(50).fill({ type: 'TransactionConflictException' }) as typeof answers;
    await expect(update()).rejects.toThrow('no');
    expect(calls).toBe(11);
  });
});

describe('a condition that does not hold', () => {
  it('is an answer, and not asked again', async () => {
    answers = [{ type: 'ConditionalCheckFailedException' }];
    expect(await update()).toBeUndefined();
    answers = [
      {
        type: 'TransactionCanceledException',
        reasons: [{ Code: 'ConditionalCheckFailed' }, { Code: 'TransactionConflict' }],
      },
    ];
    expect(await transact()).toBe(false);
    expect(calls).toBe(2);
  });
});
