/** The two keys of an item in the ledger's table. */
export interface ItemKey {
  pk: string;
  sk: string;
}

/** An item with its keys. The table has no schema: the reader of an item knows its writer. */
export type Item = Record<string, unknown>;

/**
 * A condition on one attribute. A comparison with an absent attribute fails, unless `orAbsent` is set. Names may be paths
 * into maps: `counts.held`.
 */
export type Check<Name extends string = string> =
  | { name: Name; is: 'present' }
  | { name: Name; is: 'absent' }
  | { name: Name; is: '<' | '<=' | '>=' | '>'; value: number; orAbsent?: true }
  | { name: Name; is: '='; value: number | string; orAbsent?: true }
  /** Differs, or is absent. */
  | { name: Name; is: 'other'; value: number | string }
  /** A list without the value, or absent. */
  | { name: Name; is: 'without'; value: string }
  /** Every check of at least one of these lists holds. */
  | { anyOf: readonly (readonly Check<Name>[])[] };

/**
 * What one write does to an item, and under which conditions. It is data, so that DynamoDB and a Map in a test apply the
 * same rules (decision 0035). Names in `set`, `setOnce`, `add` and `append` may be paths into existing maps; no two may
 * overlap.
 */
export interface ItemChange {
  /** All must hold, otherwise nothing is changed. Without any, an absent item is created. */
  when?: readonly Check[];
  /** Undefined values are left out, here and in `setOnce`. */
  set?: Readonly<Record<string, unknown>>;
  /** Only set if the attribute is absent. */
  setOnce?: Readonly<Record<string, unknown>>;
  /** Added to the existing number, or to 0. */
  add?: Readonly<Record<string, number>>;
  /** Appended to the existing list, or to an empty one. */
  append?: Readonly<Record<string, readonly unknown[]>>;
  remove?: readonly string[];
}

/** A change and the item that it applies to. */
export interface ItemWrite {
  key: ItemKey;
  change: ItemChange;
}

/** DynamoDB: a transaction writes at most 100 items; BatchGetItem reads at most 100. */
export const maxItemsAtOnce = 100;

export const exists: Check = { name: 'pk', is: 'present' };
export const isNew: Check = { name: 'pk', is: 'absent' };
