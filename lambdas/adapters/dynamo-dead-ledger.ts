import type { Correction, DeadAttempt, DeadRecord, DeadResolution } from '../core/file-account.ts';
import { schemaVersion } from '../core/schema-version.ts';
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

  async adoptLetter(letter: Letter, message: { id: string; sentAt: number }): Promise<LetterAdoption> {
    const dead: DeadRecord = {
      fileId: letter.file_id,
      record: letter.record,
      letterId: letter.letter_id,
      state: 'dead',
      outcome: letter.outcome,
      failedMessageSentAt: message.sentAt,
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
    const fields = Object.entries({ v: schemaVersion, ...dead });
    const adopted = await this.#table.update(pkOf(letter.file_id), skOf(letter.record), {
      // Only what is missing: the same letter seen again changes nothing.
      UpdateExpression:
        `SET ${fields.map(([name]) => `#${name} = if_not_exists(#${name}, :${name})`).join(', ')}, ` +
        'messageId = :message, messageSentAt = :sent',
      ConditionExpression: 'attribute_not_exists(pk) OR letterId = :letterId',
      ExpressionAttributeNames: Object.fromEntries(fields.map(([name]) => [`#${name}`, name])),
      ExpressionAttributeValues: {
        ...Object.fromEntries(fields.map(([name, value]) => [`:${name}`, value])),
        ':message': message.id,
        ':sent': message.sentAt,
      },
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
    await this.#table.update(pkOf(fileId), skOf(record), {
      UpdateExpression:
        'SET history = :history, outcome = :outcome' +
        (failedMessageSentAt === undefined ? '' : ', failedMessageSentAt = :sent'),
      ExpressionAttributeValues: {
        ':history': history,
        ':outcome': attempt.outcome,
        ...(failedMessageSentAt === undefined ? {} : { ':sent': failedMessageSentAt }),
      },
    });
  }

  async noteSending(fileId: string, record: number): Promise<void> {
    await this.#table.update(pkOf(fileId), skOf(record), {
      UpdateExpression: 'SET sentSince = if_not_exists(sentSince, :now)',
      ConditionExpression: 'attribute_exists(pk)',
      ExpressionAttributeValues: { ':now': this.#clock.now() },
    });
  }

  async resolveDead(fileId: string, record: number, resolution: DeadResolution): Promise<boolean> {
    const now = this.#clock.now();
    const { kind } = resolution;
    const told: Partial<DeadRecord> =
      kind === 'handled'
        ? { resolvedBy: resolution.by, resolvedWhy: resolution.why }
        : {
            requestId: resolution.requestId,
            ...(resolution.correctionId === undefined ? {} : { resolvedCorrectionId: resolution.correctionId }),
          };
    const set = Object.entries({
      ...told,
      state: 'resolved',
      resolution: kind,
      resolvedAt: now,
      expiresAt: expiryOf(now),
    });
    const resolved = await this.#table.update(pkOf(fileId), skOf(record), {
      UpdateExpression: `SET ${set.map(([name]) => `#${name} = :${name}`).join(', ')}`,
      ConditionExpression: '#state = :dead',
      ExpressionAttributeNames: Object.fromEntries(set.map(([name]) => [`#${name}`, name])),
      ExpressionAttributeValues: {
        ...Object.fromEntries(set.map(([name, value]) => [`:${name}`, value])),
        ':dead': 'dead' satisfies DeadRecord['state'],
      },
    });
    return resolved !== undefined;
  }

  async beginCorrection(
    fileId: string,
    record: number,
    correction: Correction,
  ): Promise<{ dead: DeadRecord; repeated: boolean } | undefined> {
    const begun = await this.#table.update(pkOf(fileId), skOf(record), {
      UpdateExpression: 'SET correction = :correction',
      ConditionExpression: '#state = :dead AND (attribute_not_exists(correction) OR correction.id <> :id)',
      ExpressionAttributeNames: { '#state': 'state' },
      ExpressionAttributeValues: {
        ':correction': correction,
        ':id': correction.id,
        ':dead': 'dead' satisfies DeadRecord['state'],
      },
    });
    if (begun) return { dead: withoutKeys<DeadRecord>(begun), repeated: false };
    const dead = await this.getDead(fileId, record);
    return dead?.state === 'dead' && dead.correction?.id === correction.id ? { dead, repeated: true } : undefined;
  }

  async getDead(fileId: string, record: number): Promise<DeadRecord | undefined> {
    const item = await this.#table.get(pkOf(fileId), skOf(record));
    return item && withoutKeys<DeadRecord>(item);
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
