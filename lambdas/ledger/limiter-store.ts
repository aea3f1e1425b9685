import { limiterKey } from '../core/ledger/ledger-keys.ts';
import type { ItemStore, LimiterStore } from '../ports.ts';

/** @param api the API's name: all feeds that use the same name share its limit */
export function limiterStore(store: ItemStore, api: string): LimiterStore {
  const key = limiterKey(api);
  return {
    read: async () => (await store.read(key)) ?? {},
    async update(change) {
      const { kind, item } = await store.update(key, change);
      return kind === 'changed' ? item : undefined;
    },
  };
}
