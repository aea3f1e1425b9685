import type { Clock } from '../../lambdas/ports.ts';

interface Timer {
  at: number;
  order: number;
  ring: () => void;
}

/**
 * Time that passes only when everybody sleeps: whoever awaits the clock is woken in the order of their times, and hours
 * take milliseconds. `run` drives it until its work is done.
 */
export class SimulatedClock implements Clock {
  #now: number;
  #order = 0;
  #timers: Timer[] = [];

  constructor(startMs = Date.UTC(2026, 0, 5, 2, 0, 0)) {
    this.#now = startMs;
  }

  now(): number {
    return this.#now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const timer: Timer = { at: this.#now + Math.max(0, ms), order: this.#order++, ring: () => done() };
      const done = () => {
        this.#timers = this.#timers.filter((each) => each !== timer);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      signal?.addEventListener('abort', done, { once: true });
      this.#timers.push(timer);
    });
  }

  /** Moves time on, ringing what falls due. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    for (;;) {
      await settle();
      const next = this.#next();
      if (!next || next.at > until) break;
      this.#now = Math.max(this.#now, next.at);
      next.ring();
    }
    this.#now = until;
    await settle();
  }

  /** Lets time pass until the work is done. @throws where nobody sleeps and the work still isn't done */
  async run<T>(work: Promise<T>): Promise<T> {
    let isDone = false;
    const end = work.finally(() => (isDone = true));
    end.catch(() => undefined);
    for (;;) {
      await settle();
      if (isDone) return end;
      const next = this.#next();
      if (!next) throw new Error('Everybody waits for something that is not the clock.');
      this.#now = Math.max(this.#now, next.at);
      next.ring();
    }
  }

  #next(): Timer | undefined {
    return this.#timers.reduce<Timer | undefined>((first, timer) => {
      if (!first || timer.at < first.at || (timer.at === first.at && timer.order < first.order)) return timer;
      return first;
    }, undefined);
  }
}

/** Lets every promise that can go on do so: what is left waits for the clock. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}
