import { z } from 'zod';
import { SeededDice } from '../seeded-dice.ts';

const rate = z.number().min(0).max(1).default(0);

/** What some spots are answered, whatever the schedule says of them. */
const spotAnswer = z.strictObject({
  /** Their spot ids. */
  spots: z.array(z.string()),
  status: z.int().min(200).max(599),
  body: z.string().default('{"error":"as it was asked for"}'),
  contentType: z.string().default('application/json'),
  retryAfterSeconds: z.number().min(0).nullable().default(null),
  /** The spot is stored, where it would be without this. */
  stores: z.boolean().default(false),
  /** Each spot is answered so that many times; null: always. */
  times: z.int().min(1).nullable().default(null),
});
export type SpotAnswer = z.infer<typeof spotAnswer>;

/** What goes wrong on demand. A rate is the share of requests that get past the token and the limit. */
export const faultsSchema = z.strictObject({
  /** Answers 500, half of them before the spot is stored and half after. */
  errorRate: rate,
  /** Destroys the connection, half before and half after. */
  resetRate: rate,
  /** Never answers, half before and half after. */
  timeoutRate: rate,
  /** Answers as it should, with a body that is no JSON. */
  garbledBodyRate: rate,
  /** Answers as it should, with a body of 8 MiB. */
  hugeBodyRate: rate,
  /** Answers as it should, with a body that drips and never ends. */
  endlessBodyRate: rate,
  /** Waits as long before each answer: from, to. */
  latencyMs: z
    .tuple([z.number().min(0), z.number().min(0)])
    .nullable()
    .default(null),
  /** From now on and as long, every request fails: nothing is looked at, counted or stored. */
  outageMs: z.number().min(0).default(0),
  outageAs: z.enum(['503', 'reset']).default('503'),
  /** From now on and as long, every request with the token is answered 429, whatever the window says. */
  throttleStormMs: z.number().min(0).default(0),
  /** What such a 429 asks for; null leaves Retry-After out. */
  throttleRetryAfterSeconds: z.number().min(0).nullable().default(1),
  /** How a 429 says so: seconds or an HTTP date; null leaves it as it was started with. */
  retryAfterAs: z.enum(['seconds', 'date']).nullable().default(null),
  /** Answers 422 to these spot ids. */
  refuseSpots: z.array(z.string()).default([]),
  /** The first that names a spot counts. */
  spotAnswers: z.array(spotAnswer).default([]),
  /** As many machines behind a balancer that keeps each connection on one of them. The last answers 500 and stores nothing. */
  machinesOneBad: z.int().min(2).nullable().default(null),
  /** Answers 401 to every token. */
  rejectToken: z.boolean().default(false),
  /** From now on this is the token: a rotation, which outlasts the faults. */
  token: z.string().min(1).optional(),
});
export type Faults = z.infer<typeof faultsSchema>;
export type FaultsInput = z.input<typeof faultsSchema>;

export type FaultKind = 'error' | 'reset' | 'timeout' | 'garbledBody' | 'hugeBody' | 'endlessBody';

/** `when` tells if the spot is stored nonetheless. */
export interface DrawnFault {
  kind: FaultKind;
  when: 'before' | 'after';
}

/** Draws from a seeded sequence, so that a run's faults can be had again (requests arriving in the same order). */
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
