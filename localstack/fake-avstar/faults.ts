import { z } from 'zod';
import { SeededDice } from '../seeded-dice.ts';

const rate = z.number().min(0).max(1).default(0);

/** The answer to some spots, whatever the schedule says. */
const spotAnswer = z.strictObject({
  /** The spots' ids. */
  spots: z.array(z.string()),
  status: z.int().min(200).max(599),
  body: z.string().default('{"error":"as it was asked for"}'),
  contentType: z.string().default('application/json'),
  retryAfterSeconds: z.number().min(0).nullable().default(null),
  /** The spot is stored if it would be stored without this answer. */
  stores: z.boolean().default(false),
  /** How many times each spot gets this answer; null: always. */
  times: z.int().min(1).nullable().default(null),
});
export type SpotAnswer = z.infer<typeof spotAnswer>;

/** The faults to inject. A rate is a share of the requests that pass the token and the limit. */
export const faultsSchema = z.strictObject({
  /** Answers 500, half of them before the spot is stored and half after. */
  errorRate: rate,
  /** Destroys the connection, half before and half after. */
  resetRate: rate,
  /** Never answers, half before and half after. */
  timeoutRate: rate,
  /** Answers correctly, but the body is not JSON. */
  garbledBodyRate: rate,
  /** Answers correctly, with a body of 8 MiB. */
  hugeBodyRate: rate,
  /** Answers correctly, with a slow body that never ends. */
  endlessBodyRate: rate,
  /** Waits this long before each answer: from, to. */
  latencyMs: z
    .tuple([z.number().min(0), z.number().min(0)])
    .nullable()
    .default(null),
  /** For this long from now on, every request fails: nothing is read, counted or stored. */
  outageMs: z.number().min(0).default(0),
  outageAs: z.enum(['503', 'reset']).default('503'),
  /** For this long from now on, every request with the token is answered 429, whatever the window says. */
  throttleStormMs: z.number().min(0).default(0),
  /** The Retry-After of such a 429; null omits it. */
  throttleRetryAfterSeconds: z.number().min(0).nullable().default(1),
  /** The format of Retry-After in a 429: seconds or an HTTP date; null keeps the format that the fake was started with. */
  retryAfterAs: z.enum(['seconds', 'date']).nullable().default(null),
  /** Answers 422 to these spot ids. */
  refuseSpots: z.array(z.string()).default([]),
  /** The first entry that names a spot counts. */
  spotAnswers: z.array(spotAnswer).default([]),
  /**
   * Number of machines behind a load balancer that keeps each connection on one of them. The last one answers 500 and
   * stores nothing.
   */
  machinesOneBad: z.int().min(2).nullable().default(null),
  /** Answers 401 to every token. */
  rejectToken: z.boolean().default(false),
  /** Rotates the token to this one, which outlasts the faults. */
  token: z.string().min(1).optional(),
});
export type Faults = z.infer<typeof faultsSchema>;
export type FaultsInput = z.input<typeof faultsSchema>;

export type FaultKind = 'error' | 'reset' | 'timeout' | 'garbledBody' | 'hugeBody' | 'endlessBody';

/** `when` determines whether the spot is stored nevertheless. */
export interface DrawnFault {
  kind: FaultKind;
  when: 'before' | 'after';
}

/** Draws from a seeded sequence, so that a run's faults can be reproduced (if requests arrive in the same order). */
export class FaultDice extends SeededDice {
  draw(faults: Faults): DrawnFault | null {
    const rates: [FaultKind, number][] = [
      ['error', faults.errorRate],
      ['reset', faults.resetRate],
      ['timeout', faults.timeoutRate],
      ['garbledBody', faults.garbledBodyRate],
      ['hugeBody', faults.hugeBodyRate],
      ['endlessBody', faults.endlessBodyRate],
    ];
    let place = this.next();
    for (const [kind, share] of rates) {
      if (place < share) {
        const early = (kind === 'error' || kind === 'reset' || kind === 'timeout') && this.next() < 0.5;
        return { kind, when: early ? 'before' : 'after' };
      }
      place -= share;
    }
    return null;
  }
}
