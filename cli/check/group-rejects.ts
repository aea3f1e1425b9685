import type { Problem } from '../../lambdas/core/records/problem.ts';

export interface RejectExample {
  record: number;
  line: number;
  message: string;
}

export interface RejectGroup {
  reason: string;
  field: string | null;
  count: number;
  /** The first ones in file order. */
  examples: RejectExample[];
}

const maxExamples = 3;
/** Field names can come from the file, so their number is bounded: above this, rejects are grouped by reason alone. */
const maxGroups = 200;

/** Rejects by reason and field, in memory that does not grow with the file. */
export class RejectGroups {
  readonly #groups = new Map<string, RejectGroup>();

  add({ reason, field, message }: Problem, record: number, line: number): void {
    const isNew = !this.#groups.has(`${reason} ${field ?? ''}`);
    const shownField = isNew && this.#groups.size >= maxGroups ? null : field;
    const key = `${reason} ${shownField ?? ''}`;
    const group = this.#groups.get(key) ?? { reason, field: shownField, count: 0, examples: [] };
    this.#groups.set(key, group);
    group.count++;
    if (group.examples.length < maxExamples) group.examples.push({ record, line, message });
  }

  /** The most frequent first. */
  list(): RejectGroup[] {
    return [...this.#groups.values()].sort((a, b) => b.count - a.count);
  }
}
