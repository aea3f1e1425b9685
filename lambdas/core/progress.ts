import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { z } from 'zod';
import { outcomes } from './outcome.ts';

/**
 * What an unfinished attempt at a batch has got done: all that can't be made again from the batch's bytes. Kept in the
 * batch's item in the ledger, deflated JSON: 500 records take about 4 KB.
 */
const doneRecord = z.object({
  /** Place in the batch, from 0. */
  i: z.int().nonnegative(),
  outcome: z.enum(outcomes),
  status: z.int().nullable(),
  attempts: z.int().nonnegative(),
  /** Milliseconds since 1970. */
  at: z.int(),
  confirmedBy: z.literal('409').optional(),
  reason: z.string().optional(),
  error: z.string().optional(),
  answer: z.string().optional(),
});
export type DoneRecord = z.infer<typeof doneRecord>;

const progress = z.object({
  v: z.literal(1),
  done: z.array(doneRecord),
  /** Records before this place may have been sent, whether or not they are among the done. */
  fence: z.int().nonnegative(),
});
export interface Progress {
  done: DoneRecord[];
  fence: number;
}

export const noProgress: Progress = { done: [], fence: 0 };

export function encodeProgress(value: Progress): Uint8Array {
  return deflateRawSync(JSON.stringify({ v: 1, done: value.done, fence: value.fence }));
}

/** @throws where the bytes are not a progress of ours */
export function decodeProgress(bytes: Uint8Array): Progress {
  const { done, fence } = progress.parse(JSON.parse(inflateRawSync(bytes).toString('utf8')));
  return { done, fence };
}
