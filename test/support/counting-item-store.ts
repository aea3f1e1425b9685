import type { Item, ItemChange, ItemKey, ItemWrite } from '../../lambdas/core/ledger/item-change.ts';
import type { ItemUpdate } from '../../lambdas/ports.ts';
import { InMemoryItemStore } from './in-memory-item-store.ts';

/** DynamoDB's page of a query. Bytes. */
const pageBytes = 1024 * 1024;
/** Keys that the adapter reads from the index with one call. */
const pageKeys = 1_000;

/** Counts the calls that DynamoDB's adapter would make, pages of queries included. */
export class CountingItemStore extends InMemoryItemStore {
  calls = 0;

  override read(key: ItemKey): Promise<Item | undefined> {
    this.calls++;
    return super.read(key);
  }

  override readAll(keys: readonly ItemKey[]): Promise<Item[]> {
    this.calls++;
    return super.readAll(keys);
  }

  override update(key: ItemKey, change: ItemChange): Promise<ItemUpdate> {
    this.calls++;
    return super.update(key, change);
  }

  override updateAll(writes: readonly ItemWrite[]): Promise<boolean> {
    this.calls++;
    return super.updateAll(writes);
  }

  override put(key: ItemKey, item: Item): Promise<void> {
    this.calls++;
    return super.put(key, item);
  }

  override async *query(pk: string, skPrefix?: string, after?: string): AsyncGenerator<Item> {
    this.calls++;
    let bytes = 0;
    for await (const item of super.query(pk, skPrefix, after)) {
      bytes += JSON.stringify(item).length;
      if (bytes > pageBytes) [bytes, this.calls] = [0, this.calls + 1];
      yield item;
    }
  }

  override async *list(...wish: Parameters<InMemoryItemStore['list']>): AsyncGenerator<ItemKey> {
    this.calls++;
    let keys = 0;
    for await (const key of super.list(...wish)) {
      if (++keys > pageKeys) [keys, this.calls] = [1, this.calls + 1];
      yield key;
    }
  }
}
