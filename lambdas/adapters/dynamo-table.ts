import { randomUUID } from 'node:crypto';
import type { DynamoDBDocumentClient, TransactWriteCommandInput } from '@aws-sdk/lib-dynamodb';
import { GetCommand, QueryCommand, TransactWriteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { UpdateCommandInput, QueryCommandInput } from '@aws-sdk/lib-dynamodb';
import { backoffMs } from '../core/limiter/retry.ts';
import { refuseNewer } from '../core/account/schema-version.ts';

/** Conflicts in a row with transactions, or throttled ones, before a write is given up: they last milliseconds each. */
const maxConflicts = 10;

/**
 * Reasons for which DynamoDB cancels a transaction that is not at fault. The SDK repeats none of them: it sees a client's
 * error without a name that it knows.
 * https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
 */
const passingReasons = ['TransactionConflict', 'ThrottlingError', 'ProvisionedThroughputExceeded'];

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
    const command = new UpdateCommand({ TableName: this.name, Key: { pk, sk }, ReturnValues: 'ALL_NEW', ...change });
    try {
      return (await this.pastConflicts(() => this.client.send(command))).Attributes ?? {};
    } catch (error) {
      if (isConditionFailure(error)) return undefined;
      throw error;
    }
  }

  /**
   * All of the updates or none; false where a condition did not hold.
   */
  async transact(updates: Omit<UpdateCommandInput, 'TableName'>[]): Promise<boolean> {
    const items = updates.map((update) => ({ Update: { TableName: this.name, ...update } as TransactUpdate }));
    // The same token each time: a transaction whose answer got lost is not made twice.
    const ClientRequestToken = randomUUID();
    const command = new TransactWriteCommand({ TransactItems: items, ClientRequestToken });
    try {
      await this.pastConflicts(() => this.client.send(command));
      return true;
    } catch (error) {
      if (cancellationsOf(error).includes('ConditionalCheckFailed')) return false;
      throw error;
    }
  }

  /** All of the new items or none; false where one is there already. */
  async createAll(items: readonly Record<string, unknown>[]): Promise<boolean> {
    const TransactItems = items.map((Item) => ({
      Put: { TableName: this.name, Item, ConditionExpression: 'attribute_not_exists(pk)' },
    }));
    const command = new TransactWriteCommand({ TransactItems, ClientRequestToken: randomUUID() });
    try {
      await this.pastConflicts(() => this.client.send(command));
      return true;
    } catch (error) {
      if (cancellationsOf(error).includes('ConditionalCheckFailed')) return false;
      throw error;
    }
  }

  /**
   * A write that meets a transaction is turned down, a single one too, and changes nothing; the SDK takes that for final. So
   * it does with a transaction that was throttled, or whose first copy is still in progress.
   * Settlements are transactions with the file's item in them, so the splitter's writes meet them now and then.
   */
  async pastConflicts<T>(write: () => Promise<T>): Promise<T> {
    for (let tries = 0; ; tries++) {
      try {
        return await write();
      } catch (error) {
        if (!isPassing(error) || tries >= maxConflicts) throw error;
        await this.backOff(tries);
      }
    }
  }

  /** Waits longer with each try, up to a second. @param tries that were in vain, the last one not counted */
  async backOff(tries: number): Promise<void> {
    const waitMs = backoffMs({ baseMs: 20, capMs: 1_000 }, tries, Math.random());
    await new Promise((resolve) => setTimeout(resolve, waitMs));
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

/** A condition that does not hold is an answer, whatever befell the transaction's other items. */
function isPassing(error: unknown): boolean {
  const names = ['TransactionConflictException', 'TransactionInProgressException'];
  if (error instanceof Error && names.includes(error.name)) return true;
  const reasons = cancellationsOf(error);
  return reasons.some((reason) => passingReasons.includes(reason)) && !reasons.includes('ConditionalCheckFailed');
}

function cancellationsOf(error: unknown): string[] {
  if (!(error instanceof Error) || error.name !== 'TransactionCanceledException') return [];
  const { CancellationReasons: reasons } = error as { CancellationReasons?: { Code?: string }[] };
  return (reasons ?? []).map((reason) => reason.Code ?? '');
}

export function isConditionFailure(error: unknown): boolean {
  return error instanceof Error && error.name === 'ConditionalCheckFailedException';
}

/**
 * The item without the keys that only the table needs, and without its version. The caller knows what it wrote: the table
 * has no schema.
 * @throws NewerVersionError where a later version of Sluice wrote it
 */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
export function withoutKeys<T>(item: Record<string, unknown>): T {
  refuseNewer('item', item);
  const { pk: _pk, sk: _sk, v: _v, listPk: _listPk, listSk: _listSk, expiresAt: _expiresAt, ...account } = item;
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
