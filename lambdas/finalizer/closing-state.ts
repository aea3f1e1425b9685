import * as z from 'zod';
import { receiptsFacts, receiptsProgress } from '../core/account/receipts-facts.ts';

const storedPart = z.object({ etag: z.string(), sha256: z.string() });

const uploadState = z.object({
  /** Undefined if the object was there before: its parts are only compared. */
  id: z.string().optional(),
  parts: z.array(storedPart),
});
export type UploadState = z.infer<typeof uploadState>;

/** The version that is written: another one is not continued; its receipts are counted again. */
const stateVersion = 1;

/** What a finalizer leaves to the next one. The rest is in objects of their own, by the SHA-256 of their bytes. */
export const closingState = z.object({
  v: z.literal(stateVersion),
  /** The last batch up to which all have ended. Absent if the check took no more than one invocation. */
  settledUpTo: z.int().positive().optional(),
  /** Null: the source is gone. Absent: it is not copied yet. */
  sourceKey: z.string().nullable().optional(),
  source: uploadState.optional(),
  receipts: uploadState.optional(),
  /** Of the receipts in these parts. */
  hash: z.object({ offset: z.int().nonnegative(), state: z.base64() }).optional(),
  deadLetters: uploadState.optional(),
  /** The object was there before. */
  hasDeadLetters: z.boolean().optional(),
  /** Compressed dead letters that are not in a part yet. */
  rest: z.string().optional(),
  tally: receiptsProgress.optional(),
  /** The tally's request ids. */
  ids: z.string().optional(),
  /** Set when all receipts are counted: their SHA-256, null if there are none. */
  counted: z.object({ facts: receiptsFacts, receiptsSha256: z.string().nullable() }).optional(),
});
export type ClosingState = z.infer<typeof closingState>;

export const newState = (): ClosingState => ({ v: stateVersion });
