import type { Check, LimiterChange, LimiterItem } from '../core/limiter/limiter-item.ts';
import type { LimiterStore } from '../ports.ts';
import type { DynamoTable } from './dynamo-table.ts';

/** `LIMITER#<api>` / `LIMITER`: one item an API, so that every consumer of every feed, file and lane shares its limit. */
export class DynamoLimiterStore implements LimiterStore {
  readonly #table: DynamoTable;
  readonly #pk: string;

  /** @param api tells one API from another: whoever uses the same name shares its limit */
  constructor(table: DynamoTable, api: string) {
    this.#table = table;
    this.#pk = `LIMITER#${api}`;
  }

  async read(): Promise<LimiterItem> {
    return (await this.#table.get(this.#pk, 'LIMITER')) ?? {};
  }

  async update(change: LimiterChange): Promise<LimiterItem | undefined> {
    return await this.#table.update(this.#pk, 'LIMITER', expressionsOf(change));
  }
}

/** The change in DynamoDB's words. Names stand behind `#`, since some are reserved. */
function expressionsOf({ when, set = {}, add = {}, remove = [] }: LimiterChange) {
  const names: Record<string, string> = {};
  const values: Record<string, unknown> = {};
  const named = (name: string): string => {
    names[`#${name}`] = name;
    return `#${name}`;
  };
  const valued = (value: unknown): string => {
    const placeholder = `:v${Object.keys(values).length}`;
    values[placeholder] = value;
    return placeholder;
  };
  const holds = ({ name, is, value, orAbsent }: Check): string => {
    const compared = `${named(name)} ${is} ${valued(value)}`;
    return orAbsent ? `(attribute_not_exists(${named(name)}) OR ${compared})` : compared;
  };
  const clause = (verb: string, parts: string[]) => (parts.length > 0 ? [`${verb} ${parts.join(', ')}`] : []);
  const update = [
    ...clause(
      'SET',
      Object.entries(set).map(([name, value]) => `${named(name)} = ${valued(value)}`),
    ),
    ...clause(
      'ADD',
      Object.entries(add).map(([name, value]) => `${named(name)} ${valued(value)}`),
    ),
    ...clause('REMOVE', remove.map(named)),
  ];
  return {
    UpdateExpression: update.join(' '),
    ConditionExpression: when.map(holds).join(' AND '),
    ExpressionAttributeNames: names,
    ExpressionAttributeValues: values,
  };
}
