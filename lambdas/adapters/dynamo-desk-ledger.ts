import { PutCommand } from '@aws-sdk/lib-dynamodb';
import type { Clock, DeadlineNote, DeskLedger, DeskState } from '../ports.ts';
import type { DynamoTable } from './dynamo-table.ts';
import { expiryOf, withoutKeys } from './dynamo-table.ts';

/** `RECONCILER#<feed>` / `LEASE`, `DESK#<feed>` / `DESK`, `DEADLINE` and `NOTICES#<kind>#<hour>`. */
export class DynamoDeskLedger implements DeskLedger {
  readonly #table: DynamoTable;
  readonly #clock: Pick<Clock, 'now'>;

  constructor(table: DynamoTable, clock: Pick<Clock, 'now'>) {
    this.#table = table;
    this.#clock = clock;
  }

  async claimReconciler(feed: string, owner: string, leaseMs: number): Promise<boolean> {
    const now = this.#clock.now();
    const claimed = await this.#table.update(`RECONCILER#${feed}`, 'LEASE', {
      UpdateExpression: 'SET leaseOwner = :owner, leaseUntil = :until',
      // One's own lease again: the write was made, and its answer got lost.
      ConditionExpression: 'attribute_not_exists(leaseUntil) OR leaseUntil < :now OR leaseOwner = :owner',
      ExpressionAttributeValues: { ':owner': owner, ':until': now + leaseMs, ':now': now },
    });
    return claimed !== undefined;
  }

  async releaseReconciler(feed: string, owner: string): Promise<void> {
    await this.#table.update(`RECONCILER#${feed}`, 'LEASE', {
      UpdateExpression: 'REMOVE leaseUntil',
      ConditionExpression: 'leaseOwner = :owner',
      ExpressionAttributeValues: { ':owner': owner },
    });
  }

  async getDeskState(feed: string): Promise<DeskState | undefined> {
    const item = await this.#table.get(`DESK#${feed}`, 'DESK');
    return item && withoutKeys<DeskState>(item);
  }

  async saveDeskState(feed: string, state: DeskState): Promise<void> {
    await this.#put(feed, 'DESK', state);
  }

  async getDeadlineNote(feed: string): Promise<DeadlineNote | undefined> {
    const item = await this.#table.get(`DESK#${feed}`, 'DEADLINE');
    return item && withoutKeys<DeadlineNote>(item);
  }

  async saveDeadlineNote(feed: string, note: DeadlineNote): Promise<void> {
    await this.#put(feed, 'DEADLINE', note);
  }

  async countNotice(feed: string, kind: string, hour: number): Promise<number> {
    const counted = await this.#table.update(`DESK#${feed}`, `NOTICES#${kind}#${hour}`, {
      UpdateExpression: 'ADD #count :one SET expiresAt = :expiry',
      ExpressionAttributeNames: { '#count': 'count' },
      ExpressionAttributeValues: { ':one': 1, ':expiry': expiryOf(this.#clock.now()) },
    });
    return Number(counted?.['count']);
  }

  async #put(feed: string, sk: string, note: DeskState | DeadlineNote): Promise<void> {
    await this.#table.client.send(
      new PutCommand({ TableName: this.#table.name, Item: { pk: `DESK#${feed}`, sk, ...note } }),
    );
  }
}
