import type { Check, LimiterChange, LimiterItem } from '../../lambdas/core/limiter/limiter-item.ts';
import type { LimiterStore } from '../../lambdas/ports.ts';

/** The limiter's item, in memory. */
export class InMemoryLimiterStore implements LimiterStore {
  item: LimiterItem = {};

  async read(): Promise<LimiterItem> {
    return { ...this.item };
  }

  async update({ when, set, add = {}, remove = [] }: LimiterChange): Promise<LimiterItem | undefined> {
    if (!when.every((check) => holds(this.item, check))) return undefined;
    const item: LimiterItem = { ...this.item, ...set };
    for (const [name, value] of Object.entries(add) as [keyof typeof add, number][]) {
      item[name] = (this.item[name] ?? 0) + value;
    }
    for (const name of remove) Reflect.deleteProperty(item, name);
    this.item = item;
    return { ...item };
  }
}

function holds(item: LimiterItem, { name, is, value, orAbsent }: Check): boolean {
  const there = item[name];
  if (there === undefined) return orAbsent === true;
  switch (is) {
    case '<':
      return there < value;
    case '<=':
      return there <= value;
    case '>=':
      return there >= value;
    case '=':
      return there === value;
  }
}
