import { readContent } from '../content/read-content.ts';
import { BatchCutter, startOf } from '../core/records/batch-cutter.ts';
import type { CutBatch } from '../core/records/dialect.ts';
import type { Comparing, PlanPorts } from './compare-ports.ts';
import type { CutFile } from './cut-file.ts';

const stepBytes = 128 * 1024;

/**
 * Cuts a file from its beginning to its end without sending anything, for a comparison: gives the batches that are sent of
 * it, none behind another header.
 * @returns false if time is up @throws SourceChangedError
 */
export async function cutWhole(
  file: CutFile,
  { ports, whole, deadline, keepLease }: Comparing<Pick<PlanPorts, 'sources'>>,
  take: (batch: CutBatch) => void,
): Promise<boolean> {
  const from = startOf(file.dialect);
  const cutter = new BatchCutter(file.dialect, file.limits, from);
  const takeSendable = (batches: readonly CutBatch[]): void => {
    for (const batch of batches) if (batch.batch <= (cutter.otherHeader?.batch ?? Infinity)) take(batch);
  };
  for await (const chunk of readContent(file, whole, ports.sources, from.offset)) {
    for (let step = 0; step < chunk.length; step += stepBytes) {
      takeSendable(cutter.push(chunk.subarray(step, step + stepBytes)));
      await keepLease();
      if (deadline.isDrawingIn()) return false;
    }
  }
  takeSendable(cutter.end());
  return true;
}
