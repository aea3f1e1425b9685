import { randomUUID } from 'node:crypto';
import type { DynamoDBDocumentClient, TransactWriteCommandInput } from '@aws-sdk/lib-dynamodb';
import { GetCommand, QueryCommand, TransactWriteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { UpdateCommandInput, QueryCommandInput } from '@aws-sdk/lib-dynamodb';
import { backoffMs } from '../core/retry.ts';

/** Conflicts in a row with other transactions before a settlement is given up: they last milliseconds each. */
const maxConflicts = 10;

type TransactUpdate = NonNullable<NonNullable<TransactWriteCommandInput['TransactItems']>[number]['Update']>;

/** The ledger's table and the few calls that every part of it makes. */
export class DynamoTable {
  readonly client: DynamoDBDocumentClient;
  readonly name: string;

  constructor(client: DynamoDBDocumentClient, name: string) {
    this.client = client;
    this.name = name;
  }

  /** Strongly consistent. */
  async get(pk: string, sk: string): Promise<Record<string, unknown> | undefined> {
    const answer = await this.client.send(
      new GetCommand({ TableName: this.name, Key: { pk, sk }, ConsistentRead: true }),
    );
    return answer.Item;
  }

  /** The item after the write; undefined where the condition did not hold. */
  async update(
    pk: string,
    sk: string,
    change: Omit<UpdateCommandInput, 'TableName' | 'Key' | 'ReturnValues'>,
  ): Promise<Record<string, unknown> | undefined> {
    try {
      const answer = await this.client.send(
        new UpdateCommand({ TableName: this.name, Key: { pk, sk }, ReturnValues: 'ALL_NEW', ...change }),
      );
      return answer.Attributes ?? {};
    } catch (error) {
      if (isConditionFailure(error)) return undefined;
      throw error;
    }
  }

  /**
   * All of the updates or none; false where a condition did not hold. Tried again where another transaction was in the
   * way, as happens when two consumers of a file settle at once.
   */
  async transact(updates: Omit<UpdateCommandInput, 'TableName'>[]): Promise<boolean> {
    const items = updates.map((update) => ({ Update: { TableName: this.name, ...update } as TransactUpdate }));
    // The same token each time: a transaction whose answer got lost is not made twice.
    const ClientRequestToken = randomUUID();
    for (let tries = 0; ; tries++) {
      try {
        await this.client.send(new TransactWriteCommand({ TransactItems: items, ClientRequestToken }));
        return true;
      } catch (error) {
        const reasons = cancellationsOf(error);
        if (reasons.includes('ConditionalCheckFailed')) return false;
        if (!reasons.includes('TransactionConflict') || tries >= maxConflicts) throw error;
        await new Promise((resolve) =>
          setTimeout(resolve, backoffMs({ baseMs: 20, capMs: 1_000 }, tries, Math.random())),
        );
      }
    }
  }

  /** Every item of the query, page by page. */
  async *query(input: Omit<QueryCommandInput, 'TableName'>): AsyncGenerator<Record<string, unknown>> {
    let start: Record<string, unknown> | undefined;
    do {
      const page = await this.client.send(
        new QueryCommand({ TableName: this.name, ...input, ExclusiveStartKey: start }),
      );
      yield* page.Items ?? [];
      start = page.LastEvaluatedKey;
    } while (start);
  }
}

function cancellationsOf(error: unknown): string[] {
  if (!(error instanceof Error) || error.name !== 'TransactionCanceledException') return [];
  const { CancellationReasons: reasons } = error as { CancellationReasons?: { Code?: string }[] };
  return (reasons ?? []).map((reason) => reason.Code ?? '');
}

export function isConditionFailure(error: unknown): boolean {
  return error instanceof Error && error.name === 'ConditionalCheckFailedException';
}

/** The item without the keys that only the table needs. The caller knows what it wrote: the table has no schema. */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
export function withoutKeys<T>(item: Record<string, unknown>): T {
  const { pk: _pk, sk: _sk, listPk: _listPk, listSk: _listSk, expiresAt: _expiresAt, ...account } = item;
  return account as T;
}

const daySeconds = 24 * 60 * 60;

/**
 * TTL of what is over, in seconds since 1970: 60 days from now. SQS keeps a message 14 days at most, so a letter of
 * the last day can still be redriven, with 30 days and more to spare.
 */
export function expiryOf(nowMs: number): number {
  return Math.floor(nowMs / 1000) + 60 * daySeconds;
}
