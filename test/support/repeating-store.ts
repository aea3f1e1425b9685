import type { ItemStore } from '../../lambdas/ports.ts';

/**
 * A store behind a client that never gets the first answer to a write, and makes it again as the SDK does: a transaction
 * has the same token then, and is made once.
 */
export function repeating(store: ItemStore): ItemStore {
  return {
    read: (key) => store.read(key),
    readAll: (keys) => store.readAll(keys),
    query: (...place) => store.query(...place),
    list: (listPk, order, about, before) => store.list(listPk, order, about, before),
    updateAll: (writes) => store.updateAll(writes),
    async update(key, change) {
      await store.update(key, change);
      return store.update(key, change);
    },
    async put(key, item) {
      await store.put(key, item);
      await store.put(key, item);
    },
  };
}
