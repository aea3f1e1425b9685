import { limiterKey } from '../../lambdas/core/ledger/ledger-keys.ts';
import type { LimiterChange, LimiterItem } from '../../lambdas/core/limiter/limiter-item.ts';
import type { Decision, InForce } from '../../lambdas/core/limiter/limit-policy.ts';
import type { PolicyChange } from '../../lambdas/core/limiter/policy-changes.ts';
import { limiterStore } from '../../lambdas/ledger/limiter-store.ts';
import type { LimiterStore } from '../../lambdas/ports.ts';
import { InMemoryItemStore } from './in-memory-item-store.ts';

/** The limiter's item, in memory. */
export class InMemoryLimiterStore implements LimiterStore {
  readonly #items = new InMemoryItemStore();
  readonly #store = limiterStore(this.#items, 'api');

  /** The item itself; empty if it does not exist yet. */
  get item(): LimiterItem {
    return this.#items.peek(limiterKey('api')) ?? {};
  }

  set item(item: LimiterItem) {
    const key = limiterKey('api');
    this.#items.plant({ ...item, ...key }, key);
  }

  read(): Promise<LimiterItem> {
    return this.#store.read();
  }

  update(change: LimiterChange): Promise<LimiterItem | undefined> {
    return this.#store.update(change);
  }

  readInForce(): Promise<InForce> {
    return this.#store.readInForce();
  }

  decide(change: PolicyChange): Promise<boolean> {
    return this.#store.decide(change);
  }

  listDecisions(): Promise<Decision[]> {
    return this.#store.listDecisions();
  }
}

/** A store with some of its methods replaced. */
export function storeWith(store: LimiterStore, methods: Partial<LimiterStore>): LimiterStore {
  return {
    read: () => store.read(),
    update: (change) => store.update(change),
    readInForce: () => store.readInForce(),
    decide: (change) => store.decide(change),
    listDecisions: () => store.listDecisions(),
    ...methods,
  };
}
