import type { BatchAccount } from '../core/account/file-account.ts';
import type { OutcomeCounts } from '../core/account/outcome.ts';
import { outcomes } from '../core/account/outcome.ts';
import { schemaVersion } from '../core/account/schema-version.ts';
import type { BatchClaim, BatchLedger, BatchSettlement, ClaimEnd, Clock } from '../ports.ts';
import type { DynamoTable } from './dynamo-table.ts';
import { expiryOf, withoutKeys } from './dynamo-table.ts';

/** `FILE#<id>` / `BATCH#<n>`: eight digits, so that the items stand in the batches' order. */
export class DynamoBatchLedger implements BatchLedger {
  readonly #table: DynamoTable;
  readonly #clock: Pick<Clock, 'now'>;

  constructor(table: DynamoTable, clock: Pick<Clock, 'now'>) {
    this.#table = table;
    this.#clock = clock;
  }

  async claimBatch(
    place: { fileId: string; batch: number; attempt: number; records: number; firstRecord: number },
    owner: string,
    leaseMs: number,
  ): Promise<BatchClaim> {
    const now = this.#clock.now();
    const claimed = await this.#table.update(pkOf(place.fileId), skOf(place.batch), {
      UpdateExpression:
        'SET v = :v, fileId = :file, #batch = :batch, attempt = :attempt, #state = :open, records = :records, ' +
        'firstRecord = :first, leaseOwner = :owner, leaseUntil = :until, expiresAt = :expires, ' +
        'unreleased = if_not_exists(unreleased, :none) + :one',
      ConditionExpression:
        'attribute_not_exists(pk) OR (#state = :open AND attempt <= :attempt AND ' +
        '(attribute_not_exists(leaseUntil) OR leaseUntil < :now)) OR ' +
        // Held records are sent by a later attempt than the one that held them.
        '(#state = :settled AND #counts.#held > :none AND attempt < :attempt)',
      ExpressionAttributeNames: { '#state': 'state', '#batch': 'batch', '#counts': 'counts', '#held': 'held' },
      ExpressionAttributeValues: {
        ':v': schemaVersion,
        ':file': place.fileId,
        ':batch': place.batch,
        ':attempt': place.attempt,
        ':records': place.records,
        ':first': place.firstRecord,
        ':open': 'open',
        ':settled': 'settled',
        ':none': 0,
        ':one': 1,
        ':owner': owner,
        ':until': now + leaseMs,
        ':expires': expiryOf(now),
        ':now': now,
      },
    });
    if (claimed) return { kind: 'claimed', batch: withoutKeys(claimed) };

    const item = await this.#table.get(pkOf(place.fileId), skOf(place.batch));
    if (!item) return this.claimBatch(place, owner, leaseMs);
    const batch = withoutKeys<BatchAccount>(item);
    if (batch.state === 'settled') return { kind: 'settled', batch };
    if (batch.attempt > place.attempt) return { kind: 'stale' };
    // Written after all: the answer got lost, and the SDK's repetition met the lease it had taken itself.
    if (batch.leaseOwner === owner && batch.leaseUntil !== undefined) return { kind: 'claimed', batch };
    return { kind: 'busy', leaseUntil: batch.leaseUntil ?? now };
  }

  async saveProgress(
    fileId: string,
    batch: number,
    owner: string,
    progress: Uint8Array,
    leaseMs: number,
  ): Promise<boolean> {
    const now = this.#clock.now();
    // The owner's name stays: this write must hold when it is repeated because its answer got lost.
    const lease =
      leaseMs === 0
        ? { set: '', remove: ' REMOVE leaseUntil, unreleased', values: {} }
        : { set: ', leaseUntil = :until', remove: '', values: { ':until': now + leaseMs } };
    const saved = await this.#table.update(pkOf(fileId), skOf(batch), {
      UpdateExpression: `SET progress = :progress, expiresAt = :expires${lease.set}${lease.remove}`,
      ConditionExpression: '#state = :open AND leaseOwner = :owner',
      ExpressionAttributeNames: { '#state': 'state' },
      ExpressionAttributeValues: {
        ':progress': progress,
        ':expires': expiryOf(now),
        ':open': 'open',
        ':owner': owner,
        ...lease.values,
      },
    });
    return saved !== undefined;
  }

  async releaseBatch(fileId: string, batch: number, owner: string, end: ClaimEnd = 'released'): Promise<void> {
    await this.#table.update(pkOf(fileId), skOf(batch), {
      UpdateExpression: end === 'failed' ? 'REMOVE leaseUntil' : 'REMOVE leaseUntil, unreleased',
      ConditionExpression: '#state = :open AND leaseOwner = :owner',
      ExpressionAttributeNames: { '#state': 'state' },
      ExpressionAttributeValues: { ':open': 'open', ':owner': owner },
    });
  }

  async settleBatch(fileId: string, batch: number, owner: string, settlement: BatchSettlement): Promise<boolean> {
    const now = this.#clock.now();
    const { counts, receiptsKey, receiptsSha256, buried = false, progress, replaces } = settlement;
    return this.#table.transact([
      {
        Key: { pk: pkOf(fileId), sk: skOf(batch) },
        UpdateExpression:
          'SET #state = :settled, #counts = :counts, receiptsKey = :key, receiptsSha256 = :sha, settledAt = :now, ' +
          `buried = :buried, expiresAt = :expires${progress ? ', progress = :progress' : ''} ` +
          `REMOVE leaseOwner, leaseUntil, unreleased${progress ? '' : ', progress'}`,
        ConditionExpression: '#state = :open AND leaseOwner = :owner',
        ExpressionAttributeNames: { '#state': 'state', '#counts': 'counts' },
        ExpressionAttributeValues: {
          ':settled': 'settled',
          ':counts': counts,
          ':key': receiptsKey,
          ':sha': receiptsSha256,
          ':buried': buried,
          ':now': now,
          ':expires': expiryOf(now),
          ':open': 'open',
          ':owner': owner,
          ...(progress ? { ':progress': progress } : {}),
        },
      },
      { Key: { pk: pkOf(fileId), sk: 'FILE' }, ...addCounts(counts, replaces, now) },
    ]);
  }

  async getBatch(fileId: string, batch: number): Promise<BatchAccount | undefined> {
    const item = await this.#table.get(pkOf(fileId), skOf(batch));
    return item && withoutKeys<BatchAccount>(item);
  }

  async *listBatches(fileId: string): AsyncGenerator<BatchAccount> {
    const items = this.#table.query({
      KeyConditionExpression: 'pk = :pk AND begins_with(sk, :batch)',
      ExpressionAttributeValues: { ':pk': pkOf(fileId), ':batch': 'BATCH#' },
      ConsistentRead: true,
    });
    for await (const item of items) yield withoutKeys<BatchAccount>(item);
  }
}

/** Adds a batch to a file's hints; one that was settled before, by what has changed. */
function addCounts(counts: OutcomeCounts, replaces: OutcomeCounts | undefined, now: number) {
  const changes = outcomes
    .map((outcome): [string, number] => [outcome, counts[outcome] - (replaces?.[outcome] ?? 0)])
    .filter(([, change]) => change !== 0);
  const sums = changes.map(([outcome]) => `settled.#${outcome} = settled.#${outcome} + :${outcome}`);
  return {
    UpdateExpression: `SET ${['settledBatches = settledBatches + :one', 'updatedAt = :now, lastSettledAt = :now', ...sums].join(', ')}`,
    ConditionExpression: 'attribute_exists(pk)',
    ExpressionAttributeNames: Object.fromEntries(changes.map(([outcome]) => [`#${outcome}`, outcome])),
    ExpressionAttributeValues: {
      ':one': replaces ? 0 : 1,
      ':now': now,
      ...Object.fromEntries(changes.map(([outcome, change]) => [`:${outcome}`, change])),
    },
  };
}

const pkOf = (fileId: string) => `FILE#${fileId}`;
const skOf = (batch: number) => `BATCH#${String(batch).padStart(8, '0')}`;
