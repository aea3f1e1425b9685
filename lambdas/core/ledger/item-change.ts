/** The two keys of an item in the ledger's table. */
export interface ItemKey {
  pk: string;
  sk: string;
}

/** An item with its keys. The table has no schema: whoever reads an item knows who wrote it. */
export type Item = Record<string, unknown>;

/**
 * A condition on one attribute. A comparison with an attribute that is not there fails, unless `orAbsent` is set. Names
 * may be paths into maps: `counts.held`.
 */
export type Check<Name extends string = string> =
  | { name: Name; is: 'present' }
  | { name: Name; is: 'absent' }
  | { name: Name; is: '<' | '<=' | '>=' | '>'; value: number; orAbsent?: true }
  | { name: Name; is: '='; value: number | string; orAbsent?: true }
  /** Differs, or is not there. */
  | { name: Name; is: 'other'; value: number | string }
  /** A list that is without the value, or not there. */
  | { name: Name; is: 'without'; value: string }
  /** Every check of at least one of these lists holds. */
  | { anyOf: readonly (readonly Check<Name>[])[] };

/**
 * What one write does to an item, and what must hold for it. It is data, so that DynamoDB and a Map in a test apply the
 * same rules (decision 0035). Names in `set`, `setOnce`, `add` and `append` may be paths into maps that are there; no two
 * may overlap.
 */
export interface ItemChange {
  /** All must hold, or nothing is changed. Without any, an item that is not there is created. */
  when?: readonly Check[];
  /** Values that are undefined are left out, here and in `setOnce`. */
  set?: Readonly<Record<string, unknown>>;
  /** Only where the attribute is not there yet. */
  setOnce?: Readonly<Record<string, unknown>>;
  /** To the number that is there; to 0 where none is. */
  add?: Readonly<Record<string, number>>;
  /** To the end of the list that is there; to an empty one where none is. */
  append?: Readonly<Record<string, readonly unknown[]>>;
  remove?: readonly string[];
}

/** A change and the item that it is for. */
export interface ItemWrite {
  key: ItemKey;
  change: ItemChange;
}

/** DynamoDB: a transaction writes at most 100 items, and BatchGetItem reads at most as many. */
export const maxItemsAtOnce = 100;

export const exists: Check = { name: 'pk', is: 'present' };
export const isNew: Check = { name: 'pk', is: 'absent' };
