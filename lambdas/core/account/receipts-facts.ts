import * as z from 'zod';
import { timelineBins } from '../report/timeline.ts';
import { manifest } from './manifest.ts';
import { merkleFrontier } from './merkle.ts';
import { outcomes } from './outcome.ts';
import { repeatedIds } from './repeated-request-ids.ts';

const count = z.int().nonnegative();

/** The outcomes as the receipts have them: a dead letter counts as it first failed, whatever has become of it since. */
const ownCounts = z.object(
  Object.fromEntries(outcomes.map((outcome) => [outcome, count])) as Record<(typeof outcomes)[number], typeof count>,
);

/** What is counted in a file's receipts. Times are milliseconds since 1970. */
const counted = z.object({
  counts: ownCounts,
  /** Records with a receipt. */
  records: count,
  /** Records that were accepted by the batches' consumers. */
  delivered: count,
  firstUploadAt: z.int().optional(),
  lastUploadAt: z.int().optional(),
  timeline: timelineBins,
});

/**
 * What the receipts of a file say. It never changes: what becomes of dead letters later is in the ledger. So an amended
 * manifest is made of this, of the dead letters' own object and of their resolutions, and no receipts are read again.
 */
export const receiptsFacts = counted.extend({
  proof: manifest.shape.proof.unwrap(),
  warnings: manifest.shape.warnings,
  /** The failed records' lines: their number, and the Merkle root over them. */
  failed: z.object({ lines: count, root: z.string() }),
});
export type ReceiptsFacts = z.infer<typeof receiptsFacts>;

/** A count in progress, to continue in another invocation. */
export const receiptsProgress = counted.extend({
  /** The last batch that is counted, and the last record. */
  batch: count,
  last: count,
  /** Ranges of records before that which were never sent. */
  held: manifest.shape.held_ranges.unwrap(),
  recordsRoot: merkleFrontier,
  receiptsRoot: merkleFrontier,
  failedRoot: merkleFrontier,
  repeated: repeatedIds,
});
export type ReceiptsProgress = z.infer<typeof receiptsProgress>;
