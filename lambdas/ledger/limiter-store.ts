import { isNew } from '../core/ledger/item-change.ts';
import { decisionKey, decisionPrefix, limiterKey, policyKey } from '../core/ledger/ledger-keys.ts';
import { decisionExpiryOf, withoutKeys } from '../core/ledger/stored-item.ts';
import type { Decision, InForce } from '../core/limiter/limit-policy.ts';
import { policyNumber } from '../core/limiter/limit-policy.ts';
import type { PolicyState } from '../core/limiter/policy-changes.ts';
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

    async readInForce() {
      const item = await store.read(policyKey(api));
      return item ? withoutKeys<InForce>(item) : {};
    },

    decide: ({ limiter, inForce, decision }) =>
      store.updateAll([
        { key, change: limiter },
        { key: policyKey(api), change: inForce },
        {
          key: decisionKey(api, decision),
          change: { when: [isNew], set: { ...decision, expiresAt: decisionExpiryOf(decision.at) } },
        },
      ]),

    async listDecisions() {
      const decisions: Decision[] = [];
      for await (const item of store.query(key.pk, decisionPrefix)) decisions.push(withoutKeys<Decision>(item));
      return decisions;
    },
  };
}

/** What applies to an API, with who decided it: one read if nothing was ever decided. */
export async function readPolicy(store: Pick<LimiterStore, 'read' | 'readInForce'>): Promise<PolicyState> {
  const item = await store.read();
  return { item, inForce: policyNumber(item) === 0 ? {} : await store.readInForce() };
}
