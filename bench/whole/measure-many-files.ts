import { BenchCloud } from '../delivery/bench-cloud.ts';
import { exportOf } from '../delivery/measure.ts';
import { inProcess } from './part.ts';
import type { SimulatedManyFiles } from './simulate-many-files.ts';

export interface ManyFilesFigures extends SimulatedManyFiles {
  files: number;
  recordsAFile: number;
  /** In which all were dropped. */
  dropSeconds: number;
  /** Of all files together, from the first drop until the last manifest. */
  recordsPerSecond: number;
}

const recordsAFile = 1_000;
/** Dropped at once, over so many connections. */
const dropsAtOnce = 16;

/** Files of 1,000 records dropped at once, as fast as the whole system goes; and, simulated, what becomes of each. */
export async function measureManyFiles(wish: {
  files: number;
  simulated: number;
  large: number;
}): Promise<ManyFilesFigures> {
  const simulated = await inProcess<SimulatedManyFiles>('whole/simulate-many-files.ts', [
    String(wish.simulated),
    String(wish.large),
  ]);
  return { ...(await timeFiles(wish.files)), ...simulated };
}

async function timeFiles(files: number): Promise<Omit<ManyFilesFigures, keyof SimulatedManyFiles>> {
  const cloud = await BenchCloud.start();
  try {
    const stack = await cloud.deploy({
      ...{ requests: 1_000_000, windowSeconds: 10, consumers: 2, connections: 24 },
      isLimited: false,
    });
    const bodies = Array.from({ length: files }, () => exportOf(recordsAFile));
    const startedAt = Date.now();
    const ids: string[] = [];
    let next = 0;
    const drop = async (): Promise<void> => {
      for (let n = next++; n < files; n = next++)
        ids.push((await stack.drop(`many-${n}.jsonl`, bodies[n] ?? Buffer.of())).fileId);
    };
    await Promise.all(Array.from({ length: dropsAtOnce }, drop));
    const dropSeconds = (Date.now() - startedAt) / 1000;
    // Throws where an account is not exact.
    for (const fileId of ids) await stack.manifestOf(fileId, 10 * 60_000);
    const seconds = (Date.now() - startedAt) / 1000;
    await stack.close();
    return { files, recordsAFile, dropSeconds, recordsPerSecond: (files * recordsAFile) / seconds };
  } finally {
    await cloud.stop();
  }
}
