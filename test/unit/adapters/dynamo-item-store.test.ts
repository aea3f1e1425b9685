import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DynamoItemStore } from '../../../lambdas/adapters/dynamo-item-store.ts';
import { awsFaultOf } from '../../../lambdas/core/aws-fault.ts';

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
let store: DynamoItemStore;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  store = new DynamoItemStore(new DynamoDBClient({ endpoint, region: 'us-east-1', credentials }), 'ledger');
});
afterAll(() => server.close());
beforeEach(() => {
  answers = [];
  calls = 0;
});

const key = { pk: 'FILE#f', sk: 'FILE' };
const change = { set: { a: 'b' } };
const update = () => store.update(key, change);
const updateAll = () => store.updateAll([{ key, change }]);

describe('a write that conflicts with a transaction', () => {
  it('is retried until it succeeds', async () => {
    answers = [{ type: 'TransactionConflictException' }, { type: 'TransactionConflictException' }];
    expect(await update()).toEqual({ kind: 'changed', item: { name: 'x' } });
    expect(calls).toBe(3);
  });

  it('is retried if it is a transaction itself', async () => {
    answers = [{ type: 'TransactionCanceledException', reasons: [{ Code: 'None' }, { Code: 'TransactionConflict' }] }];
    expect(await updateAll()).toBe(true);
    expect(calls).toBe(2);
  });

  it.each(['ThrottlingError', 'ProvisionedThroughputExceeded'])('is retried after throttling: %s', async (Code) => {
    answers = [{ type: 'TransactionCanceledException', reasons: [{ Code }, { Code: 'None' }] }];
    expect(await updateAll()).toBe(true);
    answers = [{ type: 'TransactionCanceledException', reasons: [{ Code: 'None' }, { Code }] }];
    expect(await updateAll()).toBe(true);
    expect(calls).toBe(4);
  });

  it('is retried while its first copy is still in progress', async () => {
    answers = [{ type: 'TransactionInProgressException' }];
    expect(await updateAll()).toBe(true);
  });

  it('is not retried if the transaction is invalid', async () => {
    answers = [{ type: 'TransactionCanceledException', reasons: [{ Code: 'ValidationError' }, { Code: 'None' }] }];
    await expect(updateAll()).rejects.toThrow('no');
    expect(calls).toBe(1);
  });

  it('fails if the conflict continues', async () => {
    answers = Array(50).fill({ type: 'TransactionConflictException' }) as typeof answers;
    await expect(update()).rejects.toThrow('no');
    expect(calls).toBe(11);
  });
});

describe('a condition that does not hold', () => {
  it('is an answer, and is not retried', async () => {
    answers = [{ type: 'ConditionalCheckFailedException' }];
    expect(await update()).toEqual({ kind: 'refused', item: undefined });
    answers = [
      {
        type: 'TransactionCanceledException',
        reasons: [{ Code: 'ConditionalCheckFailed' }, { Code: 'TransactionConflict' }],
      },
    ];
    expect(await updateAll()).toBe(false);
    expect(calls).toBe(2);
  });
});

describe('items that DynamoDB leaves out of an answer', () => {
  const keys = ['a', 'b', 'c'].map((id) => ({ pk: `FILE#${id}`, sk: 'FILE' }));

  /** A table whose BatchGetItem gives so many items a call. */
  function storeGiving(counts: number[]) {
    const asked: number[] = [];
    const send = async ({ input }: { input: { RequestItems: { ledger: { Keys: object[] } } } }) => {
      const { Keys } = input.RequestItems.ledger;
      asked.push(Keys.length);
      const given = counts.shift() ?? 0;
      const left = Keys.slice(given);
      return {
        Responses: { ledger: Keys.slice(0, given) },
        UnprocessedKeys: left.length > 0 ? { ledger: { Keys: left } } : {},
      };
    };
    return { giving: new DynamoItemStore({ send } as unknown as DynamoDBClient, 'ledger'), asked };
  }

  it('are requested again until all have been read', async () => {
    const { giving, asked } = storeGiving([1, 0, 1, 1]);
    expect(await giving.readAll(keys)).toEqual(keys);
    expect(asked).toEqual([3, 2, 2, 1]);
  });

  it('are an AWS fault if call after call leaves them out', async () => {
    const { giving, asked } = storeGiving([]);
    const error: unknown = await giving.readAll(keys).catch((each: unknown) => each);
    expect(awsFaultOf(error)).toEqual({ kind: 'unavailable', code: 'UnprocessedKeys' });
    expect(asked).toHaveLength(11);
  });
});
