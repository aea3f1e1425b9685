import type { BatchAccount, DeadRecord, FileAccount } from '../../lambdas/core/account/file-account.ts';
import type { Item, ItemKey } from '../../lambdas/core/ledger/item-change.ts';
import { batchKey, batchPrefix, deadKey, deadPrefix, fileKey } from '../../lambdas/core/ledger/ledger-keys.ts';
import { listPkOf, listSkOf } from '../../lambdas/core/ledger/ledger-keys.ts';
import { openLedger } from '../../lambdas/ledger/open-ledger.ts';
import type { Clock, Ledger } from '../../lambdas/ports.ts';
import { InMemoryItemStore } from './in-memory-item-store.ts';

/** The ledger over a table in memory, and the table's items, to read and change. */
export interface MemoryLedger extends Ledger {
  store: InMemoryItemStore;
  /** By file id; and by `<file id>#<batch>` and `<file id>#<record>`. */
  files: Items<FileAccount>;
  batches: Items<BatchAccount>;
  dead: Items<DeadRecord>;
}

export function openMemoryLedger(clock: Pick<Clock, 'now'>, store = new InMemoryItemStore()): MemoryLedger {
  const numbered = (keyOf: (fileId: string, number: number) => ItemKey) => (id: string) => {
    const [fileId = '', number] = id.split('#');
    return keyOf(fileId, Number(number));
  };
  const withList = (file: FileAccount) => ({ ...file, listPk: listPkOf('open', file.feed), listSk: listSkOf(file) });
  return {
    ...openLedger(store, clock),
    store,
    files: new Items(store, 'FILE', fileKey, ({ fileId }) => fileId, withList),
    batches: new Items(store, batchPrefix, numbered(batchKey), ({ fileId, batch }) => `${fileId}#${batch}`),
    dead: new Items(store, deadPrefix, numbered(deadKey), ({ fileId, record }) => `${fileId}#${record}`),
  };
}

/** Items of one kind, by their ids: the returned objects are those of the table. */
export class Items<T> {
  readonly #store: InMemoryItemStore;
  readonly #prefix: string;
  readonly #keyOf: (id: string) => ItemKey;
  readonly #idOf: (account: T) => string;
  readonly #itemOf: (account: T) => object;

  constructor(
    store: InMemoryItemStore,
    prefix: string,
    keyOf: (id: string) => ItemKey,
    idOf: (account: T) => string,
    itemOf: (account: T) => object = (account) => account as object,
  ) {
    this.#store = store;
    this.#prefix = prefix;
    this.#keyOf = keyOf;
    this.#idOf = idOf;
    this.#itemOf = itemOf;
  }

  get(id: string): T | undefined {
    return this.#store.peek(this.#keyOf(id)) as T | undefined;
  }

  set(id: string, account: T): void {
    const key = this.#keyOf(id);
    this.#store.plant({ ...key, ...this.#itemOf(account) }, key);
  }

  delete(id: string): boolean {
    return this.#store.remove(this.#keyOf(id));
  }

  clear(): void {
    for (const id of this.keys()) this.delete(id);
  }

  values(): T[] {
    const isOne = ({ pk, sk }: Item) => String(pk).startsWith('FILE#') && String(sk).startsWith(this.#prefix);
    return this.#store.items().filter(isOne) as T[];
  }

  keys(): string[] {
    return this.values().map(this.#idOf);
  }

  get size(): number {
    return this.values().length;
  }

  *[Symbol.iterator](): Generator<[string, T]> {
    for (const account of this.values()) yield [this.#idOf(account), account];
  }
}
