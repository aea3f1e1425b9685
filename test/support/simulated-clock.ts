import type { Clock } from '../../lambdas/ports.ts';
import { TimerQueue } from './timer-queue.ts';

/**
 * Time that passes only when all tasks sleep: sleeping tasks are woken in the order of their times, and hours
 * take milliseconds. `run` drives it until its work is done.
 */
export class SimulatedClock implements Clock {
  #now: number;
  readonly #timers = new TimerQueue();
  readonly #turns: number;
  readonly #isBusy: () => boolean;

  /**
   * @param turns of the event loop after each ring: one where nothing but promises is waited for; three where streams
   * or threads have a part in it
   * @param isBusy whether a task still computes, in a thread for example: no timer fires until it ends
   */
  constructor(startMs = Date.UTC(2026, 0, 5, 2, 0, 0), turns = 3, isBusy = () => false) {
    this.#now = startMs;
    this.#turns = turns;
    this.#isBusy = isBusy;
  }

  now(): number {
    return this.#now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const done = () => {
        timer.isOff = true;
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = this.#timers.add(this.#now + Math.max(0, ms), done);
      signal?.addEventListener('abort', done, { once: true });
    });
  }

  /** Moves time on, ringing what falls due. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    for (;;) {
      await this.#settle();
      const next = this.#timers.takeDue(until);
      if (!next) break;
      this.#now = Math.max(this.#now, next.at);
      next.ring();
    }
    this.#now = until;
    await this.#settle();
  }

  /**
   * Lets time pass until the work is done. @throws if no task sleeps and the work still isn't done
   * @param isBusy as the constructor's, for this work alone
   */
  async run<T>(work: Promise<T>, isBusy = this.#isBusy): Promise<T> {
    let isDone = false;
    const end = work.finally(() => (isDone = true));
    end.catch(() => undefined);
    for (;;) {
      await this.#settle(isBusy);
      if (isDone) return end;
      const next = this.#timers.takeDue(Infinity);
      if (!next) throw new Error('Everybody waits for something that is not the clock.');
      this.#now = Math.max(this.#now, next.at);
      next.ring();
    }
  }

  /** Runs every promise that can continue: the others wait for the clock. */
  async #settle(isBusy = this.#isBusy): Promise<void> {
    for (let turn = 0; turn < this.#turns || isBusy(); turn++) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}
