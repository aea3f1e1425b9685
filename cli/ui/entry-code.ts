import { randomBytes } from 'node:crypto';
import type { Clock } from '../../lambdas/ports.ts';
import { isSame } from './guard.ts';

/** Long enough to switch to the browser. Milliseconds. */
const validForMs = 10 * 60_000;

/** The code in the newest link: exchanged once, for the session's cookie. An older link stops working. */
export class EntryCode {
  readonly #clock: Pick<Clock, 'now'>;
  #current: { code: string; until: number } | undefined;

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  issue(): string {
    const code = randomBytes(32).toString('base64url');
    this.#current = { code, until: this.#clock.now() + validForMs };
    return code;
  }

  /** Whether it is the newest code, in time and unused; from then on it is used. A wrong one leaves the newest as it is. */
  redeem(given: string): boolean {
    const current = this.#current;
    if (current === undefined || !isSame(given, current.code)) return false;
    this.#current = undefined;
    return this.#clock.now() < current.until;
  }
}
