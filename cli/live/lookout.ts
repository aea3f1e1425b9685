import type { Clock } from '../../lambdas/ports.ts';
import type { Snapshot } from './snapshot.ts';

/** What is known: the newest snapshot, and since when the cloud has not answered, where it does not. */
export interface Sight {
  snapshot: Snapshot | undefined;
  unanswered: { since: string; why: string } | null;
}

/**
 * Looks at a stack for all who want to know. A look that fails is made again by whoever asks next: files take hours, a
 * network's hiccup seconds.
 */
export class Lookout {
  readonly #look: () => Promise<Snapshot>;
  readonly #explain: (error: unknown) => string;
  readonly #clock: Pick<Clock, 'now'>;
  #sight: Sight = { snapshot: undefined, unanswered: null };
  #lookedAt = -Infinity;
  #underWay: Promise<Sight> | undefined;

  constructor(look: () => Promise<Snapshot>, explain: (error: unknown) => string, clock: Pick<Clock, 'now'>) {
    this.#look = look;
    this.#explain = explain;
    this.#clock = clock;
  }

  /** @param maxAgeMs a look that is no older will do; one that is under way is shared in any case */
  async latest(maxAgeMs: number): Promise<Sight> {
    if (this.#clock.now() - this.#lookedAt < maxAgeMs) return this.#sight;
    this.#underWay ??= this.#lookNow().finally(() => (this.#underWay = undefined));
    return this.#underWay;
  }

  async #lookNow(): Promise<Sight> {
    const { snapshot, unanswered } = this.#sight;
    try {
      this.#sight = { snapshot: await this.#look(), unanswered: null };
    } catch (error) {
      const since = unanswered?.since ?? new Date(this.#clock.now()).toISOString();
      this.#sight = { snapshot, unanswered: { since, why: this.#explain(error) } };
    }
    this.#lookedAt = this.#clock.now();
    return this.#sight;
  }
}
