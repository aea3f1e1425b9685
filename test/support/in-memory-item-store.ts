import type { Check, Item, ItemChange, ItemKey, ItemWrite } from '../../lambdas/core/ledger/item-change.ts';
import { maxItemsAtOnce } from '../../lambdas/core/ledger/item-change.ts';
import type { ItemStore, ItemUpdate } from '../../lambdas/ports.ts';

/** The table as a Map; test/contract/item-store.test.ts holds it to what DynamoDB does. */
export class InMemoryItemStore implements ItemStore {
  readonly #partitions = new Map<string, Map<string, Item>>();

  async read(key: ItemKey): Promise<Item | undefined> {
    return copied(this.peek(key));
  }

  async readAll(keys: readonly ItemKey[]): Promise<Item[]> {
    if (keys.length > maxItemsAtOnce) throw new Error('DynamoDB reads at most 100 items at once.');
    return keys.map((key) => copied(this.peek(key))).filter((item) => item !== undefined);
  }

  async update(key: ItemKey, change: ItemChange): Promise<ItemUpdate> {
    const before = this.peek(key);
    const after = applied(before, key, change);
    if (!after) return { kind: 'refused', item: copied(before) };
    this.plant(after, key);
    return { kind: 'changed', item: copied(after) };
  }

  async updateAll(writes: readonly ItemWrite[]): Promise<boolean> {
    if (writes.length > maxItemsAtOnce) throw new Error('DynamoDB writes at most 100 items at once.');
    const places = new Set(writes.map(({ key }) => `${key.pk}/${key.sk}`));
    if (places.size < writes.length) throw new Error('A transaction writes each item once.');
    if (!writes.every(({ key, change }) => allHold(this.peek(key) ?? {}, change.when ?? []))) return false;
    const all = writes.map(({ key, change }) => applied(this.peek(key), key, change));
    all.forEach((item, nth) => this.plant(item as Item, (writes[nth] as ItemWrite).key));
    return true;
  }

  async put(key: ItemKey, item: Item): Promise<void> {
    this.plant(copied({ ...item, ...key }), key);
  }

  async *query(pk: string, skPrefix = '', after = ''): AsyncGenerator<Item> {
    for (const item of this.itemsIn(pk, skPrefix)) if (String(item['sk']) > after) yield copied(item);
  }

  async *list(listPk: string, order: 'newest' | 'oldest', _about?: number, before?: string): AsyncGenerator<ItemKey> {
    const keyOf = ({ listSk, pk, sk }: Item) => ({ listSk: String(listSk), pk: String(pk), sk: String(sk) });
    const listed = this.items().flatMap((item) => (item['listPk'] === listPk ? [keyOf(item)] : []));
    listed.sort((a, b) => (a.listSk < b.listSk ? -1 : 1));
    if (order === 'newest') listed.reverse();
    for (const { listSk, pk, sk } of listed) if (before === undefined || listSk < before) yield { pk, sk };
  }

  /** The item itself: for a look at it, and for changes that no ledger would make. */
  peek({ pk, sk }: ItemKey): Item | undefined {
    return this.#partitions.get(pk)?.get(sk);
  }

  plant(item: Item, { pk, sk }: ItemKey): void {
    const partition = this.#partitions.get(pk) ?? new Map<string, Item>();
    this.#partitions.set(pk, partition);
    partition.set(sk, item);
  }

  remove({ pk, sk }: ItemKey): boolean {
    return this.#partitions.get(pk)?.delete(sk) ?? false;
  }

  items(): Item[] {
    return [...this.#partitions.values()].flatMap((partition) => [...partition.values()]);
  }

  itemsIn(pk: string, skPrefix = ''): Item[] {
    const keys = [...(this.#partitions.get(pk)?.keys() ?? [])].filter((sk) => sk.startsWith(skPrefix));
    return keys
      .sort()
      .map((sk) => this.peek({ pk, sk }))
      .filter((item) => item !== undefined);
  }
}

/** The item after the change; undefined if a check fails. Unchanged parts are shared with the previous item. */
function applied(before: Item | undefined, key: ItemKey, change: ItemChange): Item | undefined {
  const { when = [], set = {}, setOnce = {}, add = {}, append = {}, remove = [] } = change;
  const fields = [set, setOnce, add, append].flatMap((each): [string, unknown][] => Object.entries(each));
  const paths = fields.flatMap(([path, value]) => (value === undefined ? [] : [path])).concat(remove);
  if (paths.length > 1) refuseOverlap(paths);
  const there: Item = before ?? {};
  if (!allHold(there, when)) return undefined;
  const after: Item = { ...there, ...key };
  for (const [path, value] of Object.entries(set)) put(after, path, copied(value));
  for (const [path, value] of Object.entries(setOnce)) put(after, path, valueAt(there, path) ?? copied(value));
  for (const [path, value] of Object.entries(add)) {
    put(after, path, ((valueAt(there, path) as number | undefined) ?? 0) + value);
  }
  for (const [path, value] of Object.entries(append)) {
    put(after, path, [...((valueAt(there, path) as unknown[] | undefined) ?? []), ...copied(value)]);
  }
  for (const name of remove) Reflect.deleteProperty(after, name);
  return after;
}

/** DynamoDB refuses two changes of one path, and changes of a map and of its content together. */
function refuseOverlap(paths: readonly string[]): void {
  const sorted = paths.map((path) => `${path}.`).sort();
  const isIn = (path: string, nth: number) => nth > 0 && path.startsWith(sorted[nth - 1] as string);
  if (sorted.some(isIn)) throw new Error(`Two changes of one place: ${paths.join(', ')}`);
}

function allHold(item: Item, checks: readonly Check[]): boolean {
  return checks.every((check) => holds(item, check));
}

function holds(item: Item, check: Check): boolean {
  if ('anyOf' in check) return check.anyOf.some((checks) => allHold(item, checks));
  const there = valueAt(item, check.name);
  if (check.is === 'present') return there !== undefined;
  if (check.is === 'absent') return there === undefined;
  if (check.is === 'other') return there !== check.value;
  if (check.is === 'without') return !(there as unknown[] | undefined)?.includes(check.value);
  if (there === undefined) return check.orAbsent === true;
  if (check.is === '=') return there === check.value;
  // Text and numbers are not compared with each other.
  if (typeof there !== 'number') return false;
  if (check.is === '<') return there < check.value;
  if (check.is === '<=') return there <= check.value;
  return check.is === '>' ? there > check.value : there >= check.value;
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);

function valueAt(item: Item, path: string): unknown {
  if (!path.includes('.')) return item[path];
  return path.split('.').reduce<unknown>((at, name) => (isMap(at) ? at[name] : undefined), item);
}

/** @param item of the caller's own: maps on the way are replaced by copies */
function put(item: Item, path: string, value: unknown): void {
  if (value === undefined) return;
  const names = path.split('.');
  let at = item;
  for (const name of names.slice(0, -1)) {
    const inner = at[name];
    if (!isMap(inner)) throw new Error(`There is no map for ${path}.`);
    at = at[name] = { ...inner };
  }
  at[names.at(-1) as string] = value;
}

/** As it comes out of the table: nothing in it is undefined, and bytes are a Uint8Array. */
function copied<T>(value: T): T {
  return copyOf(value) as T;
}

function copyOf(value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new Error(`DynamoDB takes no ${value}.`);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (Array.isArray(value)) return value.filter((each) => each !== undefined).map(copyOf);
  const copy: Record<string, unknown> = {};
  for (const name in value) {
    const inner = (value as Record<string, unknown>)[name];
    if (inner !== undefined) copy[name] = copyOf(inner);
  }
  return copy;
}
