import { readContent } from '../content/read-content.ts';
import { BatchCutter, startOf } from '../core/records/batch-cutter.ts';
import type { CutBatch } from '../core/records/dialect.ts';
import type { Deadline } from '../runtime/deadline.ts';
import type { CutFile } from './cut-file.ts';
import type { KeepLease } from './keep-lease.ts';
import type { SplitterPorts } from './splitter-ports.ts';

const stepBytes = 128 * 1024;

/**
 * Cuts a file from its beginning to its end without sending anything, for a comparison: gives the batches that are sent of
 * it, none behind another header.
 * @returns false if time is up @throws SourceChangedError
 */
export async function cutWhole(
  file: CutFile,
  whole: Buffer | undefined,
  { sources }: Pick<SplitterPorts, 'sources'>,
  deadline: Deadline,
  keepLease: KeepLease,
  take: (batch: CutBatch) => void,
): Promise<boolean> {
  const from = startOf(file.dialect);
  const cutter = new BatchCutter(file.dialect, file.limits, from);
  const takeSendable = (batches: readonly CutBatch[]): void => {
    for (const batch of batches) if (batch.batch <= (cutter.otherHeader?.batch ?? Infinity)) take(batch);
  };
  for await (const chunk of readContent(file, whole, sources, from.offset)) {
    for (let step = 0; step < chunk.length; step += stepBytes) {
      takeSendable(cutter.push(chunk.subarray(step, step + stepBytes)));
      await keepLease();
      if (deadline.isDrawingIn()) return false;
    }
  }
  takeSendable(cutter.end());
  return true;
}
