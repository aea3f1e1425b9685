import { randomUUID } from 'node:crypto';
import type { BatchGetItemCommandOutput, DynamoDBClient, QueryCommandInput, Update } from '@aws-sdk/client-dynamodb';
import {
  BatchGetItemCommand,
  ConditionalCheckFailedException,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  TransactionCanceledException,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { Item, ItemChange, ItemKey, ItemWrite } from '../core/ledger/item-change.ts';
import { AwsFaultError } from '../core/errors.ts';
import { backoffMs } from '../core/limiter/retry.ts';
import type { ItemStore, ItemUpdate } from '../ports.ts';
import type { Marshalled } from './dynamo-expressions.ts';
import { expressionsOf, marshalled } from './dynamo-expressions.ts';

/** Consecutive conflicts with transactions, or throttled transactions, before a write fails. Each lasts milliseconds. */
const maxConflicts = 10;

/** Consecutive calls that returned nothing before reading fails: about five seconds with the pauses between them. */
const maxVainCalls = 10;

/**
 * Reasons for which DynamoDB cancels a valid transaction. The SDK retries none of them: it sees a client error whose name
 * it does not know.
 * https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
 */
const passingReasons = ['TransactionConflict', 'ThrottlingError', 'ProvisionedThroughputExceeded'];

/** Sparse: only items with `listPk` and `listSk` are in it. */
const listIndex = 'byFeed';

/** The most keys that one call reads from the index. */
const maxPageItems = 1000;

/** The ledger's table. The writes and their conditions are decided in core/ledger/. */
export class DynamoItemStore implements ItemStore {
  readonly #client: DynamoDBClient;
  readonly #table: string;

  constructor(client: DynamoDBClient, table: string) {
    this.#client = client;
    this.#table = table;
  }

  async read(key: ItemKey): Promise<Item | undefined> {
    const { Item: item } = await this.#client.send(
      new GetItemCommand({ TableName: this.#table, Key: marshalled(key), ConsistentRead: true }),
    );
    return item && unmarshall(item);
  }

  /** @throws AwsFaultError if repeated calls return none of the remaining items */
  async readAll(keys: readonly ItemKey[]): Promise<Item[]> {
    const items: Item[] = [];
    let wanted: Marshalled[] | undefined = keys.map(marshalled);
    for (let vain = 0; wanted && wanted.length > 0;) {
      const { Responses: found, UnprocessedKeys: left }: BatchGetItemCommandOutput = await this.#client.send(
        new BatchGetItemCommand({ RequestItems: { [this.#table]: { Keys: wanted } } }),
      );
      const some = found?.[this.#table] ?? [];
      items.push(...some.map((item) => unmarshall(item)));
      wanted = left?.[this.#table]?.Keys;
      if (!wanted) break;
      vain = some.length > 0 ? 0 : vain + 1;
      if (vain > maxVainCalls) {
        throw new AwsFaultError(
          'UnprocessedKeys',
          `DynamoDB left out ${wanted.length} items in each of ${vain} calls.`,
        );
      }
      // DynamoDB leaves out what exceeds 16 MB and what it throttles: an immediate retry would be throttled again.
      await backOff(vain);
    }
    return items;
  }

  async update(key: ItemKey, change: ItemChange): Promise<ItemUpdate> {
    const command = new UpdateItemCommand({
      ...this.#updateOf({ key, change }),
      ReturnValues: 'ALL_NEW',
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    });
    try {
      const { Attributes: item = {} } = await pastConflicts(() => this.#client.send(command));
      return { kind: 'changed', item: unmarshall(item) };
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      return { kind: 'refused', item: error.Item && unmarshall(error.Item) };
    }
  }

  async updateAll(writes: readonly ItemWrite[]): Promise<boolean> {
    const command = new TransactWriteItemsCommand({
      TransactItems: writes.map((write) => ({ Update: this.#updateOf(write) })),
      // Every retry has the same token, so a transaction whose answer was lost is not applied twice.
      ClientRequestToken: randomUUID(),
    });
    try {
      await pastConflicts(() => this.#client.send(command));
      return true;
    } catch (error) {
      if (cancellationsOf(error).includes('ConditionalCheckFailed')) return false;
      throw error;
    }
  }

  async put(key: ItemKey, item: Item): Promise<void> {
    const command = new PutItemCommand({ TableName: this.#table, Item: marshalled({ ...item, ...key }) });
    await pastConflicts(() => this.#client.send(command));
  }

  async *query(pk: string, skPrefix = '', after?: string): AsyncGenerator<Item> {
    const hasPrefix = skPrefix !== '';
    yield* this.#pages(
      {
        KeyConditionExpression: hasPrefix ? 'pk = :pk AND begins_with(sk, :prefix)' : 'pk = :pk',
        ExpressionAttributeValues: marshalled({ ':pk': pk, ...(hasPrefix ? { ':prefix': skPrefix } : {}) }),
        ConsistentRead: true,
      },
      // A page begins after this key, whether or not there is such an item.
      after === undefined ? undefined : marshalled({ pk, sk: after }),
    );
  }

  async *list(
    listPk: string,
    order: 'newest' | 'oldest',
    about = maxPageItems,
    before?: string,
  ): AsyncGenerator<ItemKey> {
    const hasEnd = before !== undefined;
    const items = this.#pages({
      IndexName: listIndex,
      KeyConditionExpression: hasEnd ? 'listPk = :list AND listSk < :before' : 'listPk = :list',
      ExpressionAttributeValues: marshalled({ ':list': listPk, ...(hasEnd ? { ':before': before } : {}) }),
      ScanIndexForward: order === 'oldest',
      Limit: Math.min(about, maxPageItems),
    });
    for await (const { pk, sk } of items) yield { pk: String(pk), sk: String(sk) };
  }

  async *#pages(input: Omit<QueryCommandInput, 'TableName'>, after?: Marshalled): AsyncGenerator<Item> {
    let start = after;
    do {
      const page = await this.#client.send(
        new QueryCommand({ TableName: this.#table, ...input, ExclusiveStartKey: start }),
      );
      for (const item of page.Items ?? []) yield unmarshall(item);
      start = page.LastEvaluatedKey;
    } while (start);
  }

  #updateOf({ key, change }: ItemWrite): Update {
    return { TableName: this.#table, Key: marshalled(key), ...expressionsOf(change) };
  }
}

/**
 * DynamoDB refuses a write, even a single one, that conflicts with a transaction, and changes nothing; the SDK treats that
 * as final. The same holds for a transaction that was throttled or whose first copy is still in progress. Settlements are
 * transactions that include the file's item, so the splitter's writes conflict with them occasionally.
 */
async function pastConflicts<T>(write: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await write();
    } catch (error) {
      if (!isPassing(error) || tries >= maxConflicts) throw error;
      await backOff(tries);
    }
  }
}

/** Waits longer with each try, up to a second. @param tries failed tries, without the last one */
async function backOff(tries: number): Promise<void> {
  const waitMs = backoffMs({ baseMs: 20, capMs: 1_000 }, tries, Math.random());
  await new Promise((resolve) => setTimeout(resolve, waitMs));
}

/** A failed condition is an answer, whatever happened to the transaction's other items. */
function isPassing(error: unknown): boolean {
  const names = ['TransactionConflictException', 'TransactionInProgressException'];
  if (error instanceof Error && names.includes(error.name)) return true;
  const reasons = cancellationsOf(error);
  return reasons.some((reason) => passingReasons.includes(reason)) && !reasons.includes('ConditionalCheckFailed');
}

function cancellationsOf(error: unknown): string[] {
  if (!(error instanceof TransactionCanceledException)) return [];
  return (error.CancellationReasons ?? []).map((reason) => reason.Code ?? '');
}
