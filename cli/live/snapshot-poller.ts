import type { Clock } from '../../lambdas/ports.ts';
import type { Snapshot } from './snapshot.ts';

/** The newest snapshot, and, while the cloud does not answer, since when and why. */
export interface PolledSnapshot {
  snapshot: Snapshot | undefined;
  unanswered: { since: string; why: string } | null;
}

/**
 * Reads a stack's snapshots for all its callers. After a failure the next call reads again: files take hours, a network's
 * hiccup seconds.
 */
export class SnapshotPoller {
  readonly #read: () => Promise<Snapshot>;
  readonly #explain: (error: unknown) => string;
  readonly #clock: Pick<Clock, 'now'>;
  #latest: PolledSnapshot = { snapshot: undefined, unanswered: null };
  #polledAt = -Infinity;
  #inProgress: Promise<PolledSnapshot> | undefined;

  constructor(read: () => Promise<Snapshot>, explain: (error: unknown) => string, clock: Pick<Clock, 'now'>) {
    this.#read = read;
    this.#explain = explain;
    this.#clock = clock;
  }

  /** @param maxAgeMs a snapshot of that age or younger is given again; a read in progress is shared in any case */
  async latest(maxAgeMs: number): Promise<PolledSnapshot> {
    if (this.#clock.now() - this.#polledAt < maxAgeMs) return this.#latest;
    this.#inProgress ??= this.#poll().finally(() => (this.#inProgress = undefined));
    return this.#inProgress;
  }

  async #poll(): Promise<PolledSnapshot> {
    const { snapshot, unanswered } = this.#latest;
    try {
      this.#latest = { snapshot: await this.#read(), unanswered: null };
    } catch (error) {
      const since = unanswered?.since ?? new Date(this.#clock.now()).toISOString();
      this.#latest = { snapshot, unanswered: { since, why: this.#explain(error) } };
    }
    this.#polledAt = this.#clock.now();
    return this.#latest;
  }
}
