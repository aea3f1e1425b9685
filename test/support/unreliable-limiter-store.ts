import type { LimiterChange, LimiterItem } from '../../lambdas/core/limiter/limiter-item.ts';
import type { Decision } from '../../lambdas/core/limiter/limit-policy.ts';
import type { LimiterStore } from '../../lambdas/ports.ts';
import { InMemoryLimiterStore } from './in-memory-limiter-store.ts';
import type { SimulatedClock } from './simulated-clock.ts';

export interface StoreFaults {
  /** There and back, from and to. Milliseconds. */
  latencyMs: [number, number];
  /** Shares of calls that are made while their answers get lost; that are refused unmade; that take `slowMs` more. */
  lost: number;
  throttled: number;
  slow: number;
  slowMs: number;
}

type ObserveDate = (dateMs: number, sentAtMs: number, answeredAtMs: number) => void;

/** The SDK's own retries: total tries, and how long it waits for a lost answer. */
const tries = 5;
const noticedAfterMs = 300;

/** The limiter's item at the other end of a network, behind a client that tries again as the SDK's does. */
export class UnreliableLimiterStore {
  readonly store = new InMemoryLimiterStore();
  calls = 0;
  /** Called when a decision is stored, whether or not its maker gets the answer. */
  onDecided: (decision: Decision, item: LimiterItem) => void = () => undefined;
  /** Slots that were leased by writes whose answers were lost. */
  lostSlots = 0;
  readonly #clock: SimulatedClock;
  readonly #random: () => number;
  readonly #spacingMs: number;
  readonly #faults: StoreFaults;

  constructor(clock: SimulatedClock, random: () => number, spacingMs: number, faults: Partial<StoreFaults>) {
    this.#clock = clock;
    this.#random = random;
    this.#spacingMs = spacingMs;
    this.#faults = { latencyMs: [4, 12], lost: 0, throttled: 0, slow: 0, slowMs: 500, ...faults };
  }

  /** @param observe is called with the date of every answer, as in HTTP, and the true times around it */
  connect(observe: ObserveDate): LimiterStore {
    return {
      read: () => this.#call(observe, () => this.store.read()),
      update: (change) =>
        this.#call(
          observe,
          () => this.store.update(change),
          (item, before) => this.#noteLost(change, item, before),
        ),
      readInForce: () => this.#call(observe, () => this.store.readInForce()),
      // A repetition of a transaction has its token, so it is not applied twice: the client gets the first one's answer.
      decide: (change) => {
        let decided: Promise<boolean> | undefined;
        const decide = async () => {
          const isDone = await this.store.decide(change);
          if (isDone) this.onDecided(change.decision, this.store.item);
          return isDone;
        };
        return this.#call(
          observe,
          () => (decided ??= decide()),
          () => undefined,
        );
      },
      listDecisions: () => this.store.listDecisions(),
    };
  }

  #noteLost(change: LimiterChange, item: LimiterItem | undefined, before: LimiterItem): void {
    if (!item || before.tat === item.tat || change.set?.probeOwner !== undefined) return;
    this.lostSlots += ((item.tat ?? 0) - Math.max(before.tat ?? 0, this.#clock.now())) / this.#spacingMs;
  }

  async #call<T>(
    observe: ObserveDate,
    make: () => Promise<T>,
    onLost?: (answer: T, before: LimiterItem) => void,
  ): Promise<T> {
    const isRead = onLost === undefined;
    const { latencyMs, lost, throttled, slow, slowMs } = this.#faults;
    for (let attempt = 1; attempt <= tries; attempt++) {
      this.calls++;
      const sentAt = this.#clock.now();
      const halfMs = (latencyMs[0] + (latencyMs[1] - latencyMs[0]) * this.#random()) / 2;
      await this.#clock.sleep(halfMs * (isRead ? 2 : 1) + (this.#random() < slow ? slowMs : 0));
      if (this.#random() >= throttled) {
        const before = this.store.item;
        const dateMs = Math.floor(this.#clock.now() / 1000) * 1000;
        const answer = await make();
        if (this.#random() >= lost) {
          // A look is as good a little later, and half of the timers.
          if (!isRead) await this.#clock.sleep(halfMs);
          observe(dateMs, sentAt, this.#clock.now());
          return answer;
        }
        onLost?.(answer, before);
        await this.#clock.sleep(noticedAfterMs);
      }
      await this.#clock.sleep(this.#random() * 50 * 2 ** attempt);
    }
    throw new Error('the store did not answer');
  }
}
