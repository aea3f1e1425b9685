import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { Check, ItemChange } from '../core/ledger/item-change.ts';

export type Marshalled = Record<string, AttributeValue>;

export const marshalled = (value: object): Marshalled => marshall(value, { removeUndefinedValues: true });

interface Condition {
  text: string;
  isOr: boolean;
}

/** Translates a change into DynamoDB expressions. Names are placeholders, since some are reserved words. */
export function expressionsOf({ when = [], set = {}, setOnce = {}, add = {}, append = {}, remove = [] }: ItemChange) {
  const names: Record<string, string> = {};
  const values: Record<string, unknown> = {};
  const named = (path: string): string =>
    path
      .split('.')
      .map((name) => {
        names[`#${name}`] = name;
        return `#${name}`;
      })
      .join('.');
  const valued = (value: unknown): string => {
    const placeholder = `:v${Object.keys(values).length}`;
    values[placeholder] = value;
    return placeholder;
  };
  const anyOf = (alternatives: Condition[]): Condition => ({
    text: alternatives.map(({ text }) => text).join(' OR '),
    isOr: alternatives.length > 1 || alternatives.some(({ isOr }) => isOr),
  });
  // DynamoDB refuses redundant parentheses: only an OR among several conditions has any.
  const allOf = (checks: readonly Check[]): Condition => {
    const conditions = checks.map(conditionOf);
    if (conditions.length === 1) return anyOf(conditions);
    return { text: conditions.map(({ text, isOr }) => (isOr ? `(${text})` : text)).join(' AND '), isOr: false };
  };
  const conditionOf = (check: Check): Condition => {
    if ('anyOf' in check) return anyOf(check.anyOf.map(allOf));
    const name = named(check.name);
    const only = (text: string): Condition => ({ text, isOr: false });
    const orAbsent = (text: string) => anyOf([only(`attribute_not_exists(${name})`), only(text)]);
    if (check.is === 'present') return only(`attribute_exists(${name})`);
    if (check.is === 'absent') return only(`attribute_not_exists(${name})`);
    if (check.is === 'other') return orAbsent(`${name} <> ${valued(check.value)}`);
    if (check.is === 'without') return orAbsent(`NOT contains(${name}, ${valued(check.value)})`);
    const compared = `${name} ${check.is} ${valued(check.value)}`;
    return check.orAbsent ? orAbsent(compared) : only(compared);
  };
  /** The stored value, or this one if there is none. */
  const orElse = (name: string, value: unknown) => `if_not_exists(${named(name)}, ${valued(value)})`;
  const known = (fields: object): [string, unknown][] =>
    Object.entries(fields).filter(([, value]) => value !== undefined) as [string, unknown][];
  const settings = [
    ...known(set).map(([name, value]) => `${named(name)} = ${valued(value)}`),
    ...known(setOnce).map(([name, value]) => `${named(name)} = ${orElse(name, value)}`),
    ...known(add).map(([name, value]) => `${named(name)} = ${orElse(name, 0)} + ${valued(value)}`),
    ...known(append).map(([name, value]) => `${named(name)} = list_append(${orElse(name, [])}, ${valued(value)})`),
  ];
  const clauses = [
    ...(settings.length > 0 ? [`SET ${settings.join(', ')}`] : []),
    ...(remove.length > 0 ? [`REMOVE ${remove.map(named).join(', ')}`] : []),
  ];
  return {
    UpdateExpression: clauses.join(' '),
    ...(when.length > 0 ? { ConditionExpression: allOf(when).text } : {}),
    ExpressionAttributeNames: names,
    ...(Object.keys(values).length > 0 ? { ExpressionAttributeValues: marshalled(values) } : {}),
  };
}
