import { schemaVersion } from '../core/account/schema-version.ts';
import type { AlteredLetter, AlteredLetterLedger, Clock } from '../ports.ts';
import type { DynamoTable } from './dynamo-table.ts';
import { expiryOf, withoutKeys } from './dynamo-table.ts';

/** `ALTERED#<feed>` / `<sha256>`: kept as long as a message can come back, so that each is news once. */
export class DynamoAlteredLetters implements AlteredLetterLedger {
  readonly #table: DynamoTable;
  readonly #clock: Pick<Clock, 'now'>;

  constructor(table: DynamoTable, clock: Pick<Clock, 'now'>) {
    this.#table = table;
    this.#clock = clock;
  }

  async keepAltered(feed: string, altered: AlteredLetter): Promise<void> {
    const fields = Object.entries({ v: schemaVersion, ...altered, expiresAt: expiryOf(this.#clock.now()) });
    await this.#table.update(pkOf(feed), altered.sha256, {
      UpdateExpression: `SET ${fields.map(([name]) => `#${name} = :${name}`).join(', ')}`,
      ConditionExpression: 'attribute_not_exists(pk)',
      ExpressionAttributeNames: Object.fromEntries(fields.map(([name]) => [`#${name}`, name])),
      ExpressionAttributeValues: Object.fromEntries(fields.map(([name, value]) => [`:${name}`, value])),
    });
  }

  async listAltered(feed: string, limit: number): Promise<AlteredLetter[]> {
    const items = this.#table.query({
      KeyConditionExpression: 'pk = :pk',
      FilterExpression: 'attribute_not_exists(notifiedAt)',
      ExpressionAttributeValues: { ':pk': pkOf(feed) },
      ConsistentRead: true,
    });
    const found: AlteredLetter[] = [];
    for await (const item of items) {
      found.push(withoutKeys<AlteredLetter>(item));
      if (found.length === limit) break;
    }
    return found;
  }

  async closeAltered(feed: string, altered: readonly AlteredLetter[]): Promise<void> {
    for (const { sha256 } of altered) {
      await this.#table.update(pkOf(feed), sha256, {
        UpdateExpression: 'SET notifiedAt = :now',
        ConditionExpression: 'attribute_exists(pk)',
        ExpressionAttributeValues: { ':now': this.#clock.now() },
      });
    }
  }
}

const pkOf = (feed: string) => `ALTERED#${feed}`;
