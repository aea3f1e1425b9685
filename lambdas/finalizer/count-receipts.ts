import type { ArchiveKeys } from '../core/account/archive-keys.ts';
import type { BatchAccount, FileAccount } from '../core/account/file-account.ts';
import type { HeldRange } from '../core/account/manifest.ts';
import type { ReceiptsFacts } from '../core/account/receipts-facts.ts';
import type { Deadline } from '../runtime/deadline.ts';
import type { ReceiptStore } from '../ports.ts';
import type { Closing } from './closing.ts';
import type { FinalizerPorts } from './finalizer-ports.ts';
import { ReceiptsWriter } from './receipts-writer.ts';
import { accountedBatches } from './settled-batches.ts';

/** Receipts objects that are fetched while one is read: 100 records have some 10 KB, and each takes 20 ms to come. */
const fetchAhead = 24;

/** A part is not begun if the time is shorter than that of so many parts before it: a part in progress can't be saved. */
const partsToSpare = 3;

export type Count =
  | { kind: 'counted'; facts: ReceiptsFacts; receiptsSha256: string | null; held: HeldRange[] }
  /** There is no time for more: the next invocation continues. */
  | { kind: 'continues' }
  /** A batch has not ended. */
  | { kind: 'open' }
  /** Another finalizer has the file. */
  | { kind: 'busy' };

/**
 * Counts the receipts of all batches, and stores them as one object (concatenated gzip members are a gzip), with the failed
 * ones in another. At the end of each part the state is saved. Parts end at batches by the bytes before them, so that two
 * finalizers would make the same ones.
 * @throws LeaseLostError; ContradictionError if the receipts are not those that were settled
 */
export async function countReceipts(
  file: FileAccount,
  keys: ArchiveKeys,
  closing: Closing,
  ports: FinalizerPorts,
  deadline: Deadline,
): Promise<Count> {
  for (;;) {
    const writer = await ReceiptsWriter.open(file, keys, closing, ports);
    const end = writer.isCounted ? 'before' : await writeAll(writer, file, closing, ports, deadline);
    // Another finalizer was further.
    if (end === 'again') continue;
    // The rest takes a while too if there are many dead letters: it is for an invocation of its own.
    if (end === 'counted' && writer.isInParts) return { kind: 'continues' };
    if (end !== 'before' && end !== 'counted') return { kind: end };
    return { kind: 'counted', ...(await writer.complete()) };
  }
}

async function writeAll(
  writer: ReceiptsWriter,
  file: FileAccount,
  closing: Closing,
  ports: FinalizerPorts,
  deadline: Deadline,
): Promise<'counted' | 'again' | Exclude<Count['kind'], 'counted'>> {
  let isSaved = false;
  let partBegan = ports.clock.now();
  const batches = accountedBatches(file, ports.ledger, writer.batch);
  for await (const read of receiptsOf(batches, ports.receipts)) {
    if (read === 'open') return 'open';
    writer.add(read.batch, read.gzip);
    await closing.keep();
    if (!writer.isPartFull) {
      // What was read of this part is read again. Without a part, the function is killed by its timeout instead: there is
      // no end of invocations that get nowhere.
      if (isSaved && deadline.isDrawingIn()) return 'continues';
      continue;
    }
    if (!closing.isOwned) {
      if (!(await closing.take())) return 'busy';
      if (closing.state.tally) return 'again';
    }
    await writer.endPart();
    isSaved = true;
    const now = ports.clock.now();
    if (deadline.isDrawingIn() || deadline.remainingMs() < partsToSpare * (now - partBegan)) return 'continues';
    partBegan = now;
  }
  await writer.end();
  return 'counted';
}

/** In order, with several objects being fetched at once. */
async function* receiptsOf(
  batches: AsyncIterable<BatchAccount | 'open'>,
  store: ReceiptStore,
): AsyncGenerator<{ batch: BatchAccount; gzip: Buffer } | 'open'> {
  const fetched: { batch: BatchAccount; gzip: Promise<Buffer> }[] = [];
  const first = async () => {
    const { batch, gzip } = fetched.shift() as (typeof fetched)[number];
    return { batch, gzip: await gzip };
  };
  for await (const batch of batches) {
    if (batch === 'open') {
      yield batch;
      return;
    }
    const gzip = store.getReceipts(batch.receiptsKey ?? '');
    // It is thrown where it is awaited; until then it must not be an unhandled rejection.
    gzip.catch(() => undefined);
    fetched.push({ batch, gzip });
    if (fetched.length > fetchAhead) yield await first();
  }
  while (fetched.length > 0) yield await first();
}
