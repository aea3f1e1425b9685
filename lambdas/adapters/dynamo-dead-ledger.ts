import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { DeadAttempt, DeadRecord } from '../core/file-account.ts';
import type { Letter } from '../messages.ts';
import type { Clock, DeadLedger, LetterAdoption } from '../ports.ts';
import type { DynamoTable } from './dynamo-table.ts';
import { expiryOf, withoutKeys } from './dynamo-table.ts';

/** Attempts kept in a dead record's history; older ones make room. */
const maxHistory = 50;

/** `FILE#<id>` / `DEAD#<record>`. Has no TTL while its letter is open. */
export class DynamoDeadLedger implements DeadLedger {
  readonly #table: DynamoTable;
  readonly #clock: Pick<Clock, 'now'>;

  constructor(table: DynamoTable, clock: Pick<Clock, 'now'>) {
    this.#table = table;
    this.#clock = clock;
  }

  async adoptLetter(letter: Letter, messageSentAt: number): Promise<LetterAdoption> {
    const dead: DeadRecord = {
      fileId: letter.file_id,
      record: letter.record,
      letterId: letter.letter_id,
      state: 'dead',
      outcome: letter.outcome,
      failedMessageSentAt: messageSentAt,
      history: [
        {
          at: Date.parse(letter.timestamp),
          outcome: letter.outcome,
          reason: letter.reason,
          error: letter.error,
          status: letter.http_status,
        },
      ],
      createdAt: this.#clock.now(),
      requestId: letter.request_id,
    };
    const fields = Object.entries(dead);
    const adopted = await this.#table.update(pkOf(letter.file_id), skOf(letter.record), {
      // Only what is missing: the same letter seen again changes nothing.
      UpdateExpression: `SET ${fields.map(([name]) => `#${name} = if_not_exists(#${name}, :${name})`).join(', ')}`,
      ConditionExpression: 'attribute_not_exists(pk) OR letterId = :letterId',
      ExpressionAttributeNames: Object.fromEntries(fields.map(([name]) => [`#${name}`, name])),
      ExpressionAttributeValues: Object.fromEntries(fields.map(([name, value]) => [`:${name}`, value])),
    });
    return adopted ? { kind: 'adopted', dead: withoutKeys<DeadRecord>(adopted) } : { kind: 'surplus' };
  }

  async addFailure(
    fileId: string,
    record: number,
    attempt: DeadAttempt,
    failedMessageSentAt: number | undefined,
  ): Promise<void> {
    const item = await this.#table.get(pkOf(fileId), skOf(record));
    const history = [...((item?.['history'] as DeadAttempt[] | undefined) ?? []), attempt].slice(-maxHistory);
    await this.#table.client.send(
      new UpdateCommand({
        TableName: this.#table.name,
        Key: { pk: pkOf(fileId), sk: skOf(record) },
        UpdateExpression:
          'SET history = :history, outcome = :outcome' +
          (failedMessageSentAt === undefined ? '' : ', failedMessageSentAt = :sent'),
        ExpressionAttributeValues: {
          ':history': history,
          ':outcome': attempt.outcome,
          ...(failedMessageSentAt === undefined ? {} : { ':sent': failedMessageSentAt }),
        },
      }),
    );
  }

  async resolveDead(
    fileId: string,
    record: number,
    resolution: 'uploaded' | 'duplicate',
    requestId: string | null,
  ): Promise<boolean> {
    const now = this.#clock.now();
    const resolved = await this.#table.update(pkOf(fileId), skOf(record), {
      UpdateExpression:
        'SET #state = :resolved, resolution = :resolution, resolvedAt = :now, requestId = :request, expiresAt = :expires',
      ConditionExpression: '#state = :dead',
      ExpressionAttributeNames: { '#state': 'state' },
      ExpressionAttributeValues: {
        ':resolved': 'resolved',
        ':dead': 'dead',
        ':resolution': resolution,
        ':now': now,
        ':request': requestId,
        ':expires': expiryOf(now),
      },
    });
    return resolved !== undefined;
  }

  async *listDead(fileId: string): AsyncGenerator<DeadRecord> {
    const items = this.#table.query({
      KeyConditionExpression: 'pk = :pk AND begins_with(sk, :dead)',
      ExpressionAttributeValues: { ':pk': pkOf(fileId), ':dead': 'DEAD#' },
      ConsistentRead: true,
    });
    for await (const item of items) yield withoutKeys<DeadRecord>(item);
  }
}

const pkOf = (fileId: string) => `FILE#${fileId}`;
/** Ten digits: records stand in the file's order. */
const skOf = (record: number) => `DEAD#${String(record).padStart(10, '0')}`;
