import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import { DynamoFileLedger } from '../../../lambdas/adapters/dynamo-file-ledger.ts';
import { DynamoTable } from '../../../lambdas/adapters/dynamo-table.ts';
import { awsFaultOf } from '../../../lambdas/core/aws-fault.ts';

const index = ['a', 'b', 'c'].map((id) => ({ pk: `FILE#${id}`, sk: 'FILE' }));
const order = { a: 1, b: 2, c: 3 } as Record<string, number>;

/** A table with three open files, whose BatchGetItem gives so many items a call. */
function ledgerGiving(counts: number[]) {
  const asked: number[] = [];
  const send = async ({ input }: { input: { RequestItems?: { ledger: { Keys: { pk: string }[] } } } }) => {
    if (!input.RequestItems) return { Items: index };
    const { Keys } = input.RequestItems.ledger;
    asked.push(Keys.length);
    const given = counts.shift() ?? 0;
    const items = Keys.slice(0, given).map(({ pk }) => ({ fileId: pk.slice(5), createdAt: order[pk.slice(5)] }));
    const left = Keys.slice(given);
    return { Responses: { ledger: items }, UnprocessedKeys: left.length > 0 ? { ledger: { Keys: left } } : {} };
  };
  const table = new DynamoTable({ send } as unknown as DynamoDBDocumentClient, 'ledger');
  return { ledger: new DynamoFileLedger(table, { now: () => 0 }), asked };
}

describe('files that DynamoDB leaves out of an answer', () => {
  it('are asked for again, until all are there', async () => {
    const { ledger, asked } = ledgerGiving([1, 0, 1, 1]);
    const files: string[] = [];
    for await (const { fileId } of ledger.eachFile('traffic', 'open')) files.push(fileId);
    expect(files).toEqual(['a', 'b', 'c']);
    expect(asked).toEqual([3, 2, 2, 1]);
  });

  it('are an AWS fault where call after call leaves them out', async () => {
    const { ledger, asked } = ledgerGiving([]);
    const read = async () => {
      for await (const file of ledger.eachFile('traffic', 'open')) expect.fail(file.fileId);
    };
    const error: unknown = await read().catch((each: unknown) => each);
    expect(awsFaultOf(error)).toEqual({ kind: 'unavailable', code: 'UnprocessedKeys' });
    expect(asked).toHaveLength(11);
  });
});
