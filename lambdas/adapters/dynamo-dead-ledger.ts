import { letterDigest } from '../core/authenticity.ts';
import { alteredEntry, hasAltered, withEntry } from '../core/dead-letters/dead-history.ts';
import type { Correction, DeadAttempt, DeadRecord, DeadResolution } from '../core/account/file-account.ts';
import { letterIdOf, placeOf } from '../core/dead-letters/letter-note.ts';
import { schemaVersion } from '../core/account/schema-version.ts';
import type { Letter, UnnotedLetter } from '../messages.ts';
import type { Clock, DeadLedger, LetterAdoption } from '../ports.ts';
import type { DynamoTable } from './dynamo-table.ts';
import { expiryOf, withoutKeys } from './dynamo-table.ts';

/** Letters in one item: 32 bytes of each are kept, so that reading one costs no more than 4 KB, DynamoDB's unit of reading. */
const lettersInNote = 100;

/**
 * `FILE#<id>` / `DEAD#<record>`, without a TTL while its letter is open; and `FILE#<id>` / `NOTE#<group>`, the digests of
 * letters that were sent together.
 */
export class DynamoDeadLedger implements DeadLedger {
  readonly #table: DynamoTable;
  readonly #clock: Pick<Clock, 'now'>;

  constructor(table: DynamoTable, clock: Pick<Clock, 'now'>) {
    this.#table = table;
    this.#clock = clock;
  }

  async noteLetters(fileId: string, group: string, letters: readonly UnnotedLetter[]): Promise<Letter[]> {
    const noted: Letter[] = [];
    for (let from = 0; from < letters.length; from += lettersInNote) {
      const note = `${group}-${from / lettersInNote}`;
      const some = letters
        .slice(from, from + lettersInNote)
        .map((letter, place) => ({ ...letter, letter_id: letterIdOf(note, place) }));
      await this.#table.update(pkOf(fileId), noteSkOf(note), {
        UpdateExpression: 'SET v = :v, digests = :digests, expiresAt = :expires',
        ExpressionAttributeValues: {
          ':v': schemaVersion,
          ':digests': Buffer.concat(some.map((letter) => Buffer.from(letterDigest(letter), 'hex'))),
          ':expires': expiryOf(this.#clock.now()),
        },
      });
      noted.push(...some);
    }
    return noted;
  }

  async isNoted(letter: Letter): Promise<boolean> {
    const place = placeOf(letter.letter_id);
    const item = place && (await this.#table.get(pkOf(letter.file_id), noteSkOf(place.note)));
    if (!item) return false;
    const { digests } = withoutKeys<{ digests: Uint8Array }>(item);
    const from = place.place * digestBytes;
    return Buffer.from(digests.subarray(from, from + digestBytes)).toString('hex') === letterDigest(letter);
  }

  async adoptLetter(
    letter: Letter,
    message: { id: string; sentAt: number },
    digests: readonly string[] | null = [letterDigest(letter)],
  ): Promise<LetterAdoption> {
    const dead: DeadRecord = {
      fileId: letter.file_id,
      record: letter.record,
      letterId: letter.letter_id,
      ...(digests ? { letterDigests: [...digests] } : {}),
      sha256: letter.sha256,
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

  async allowLetter(letter: Letter): Promise<void> {
    await this.#table.update(pkOf(letter.file_id), skOf(letter.record), {
      UpdateExpression: 'SET letterDigests = list_append(if_not_exists(letterDigests, :none), :digests)',
      ConditionExpression: 'letterId = :letterId AND NOT contains(letterDigests, :digest)',
      ExpressionAttributeValues: {
        ':none': [],
        ':digests': [letterDigest(letter)],
        ':digest': letterDigest(letter),
        ':letterId': letter.letter_id,
      },
    });
  }

  async noteAltered(fileId: string, record: number, altered: NonNullable<DeadAttempt['altered']>): Promise<void> {
    const dead = await this.getDead(fileId, record);
    if (!dead || hasAltered(dead.history, altered)) return;
    await this.#table.update(pkOf(fileId), skOf(record), {
      UpdateExpression: 'SET history = :history',
      // What became of a resolved record is in manifests, and stays as it is.
      ConditionExpression: '#state = :dead',
      ExpressionAttributeNames: { '#state': 'state' },
      ExpressionAttributeValues: {
        ':history': withEntry(dead.history, alteredEntry(dead, altered, this.#clock.now())),
        ':dead': 'dead' satisfies DeadRecord['state'],
      },
    });
  }

  async addFailure(
    fileId: string,
    record: number,
    attempt: DeadAttempt,
    failedMessageSentAt: number | undefined,
  ): Promise<void> {
    const item = await this.#table.get(pkOf(fileId), skOf(record));
    const history = withEntry((item?.['history'] as DeadAttempt[] | undefined) ?? [], attempt);
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
            ...(resolution.said === undefined ? {} : { resolvedSaid: resolution.said }),
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
const noteSkOf = (note: string) => `NOTE#${note}`;
const digestBytes = 32;
/** Ten digits: records stand in the file's order. */
const skOf = (record: number) => `DEAD#${String(record).padStart(10, '0')}`;
