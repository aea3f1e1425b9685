import { BenchCloud } from '../delivery/bench-cloud.ts';
import { maintenanceRecord } from '../../test/support/maintenance-records.ts';

export interface SmallFilesFigures {
  files: number;
  /** From the first drop until the last record is stored. */
  filesPerSecond: number;
}

/** Dropped at once, over so many connections. */
const dropsAtOnce = 16;

/** Files of one record each, into the record ledger. MiniStack hands a function ten messages at most: bundles are of ten. */
export async function measureSmallFiles(files: number): Promise<SmallFilesFigures> {
  const cloud = await BenchCloud.start();
  try {
    const stack = await cloud.deployMaintenance();
    const startedAt = Date.now();
    const run = startedAt.toString(36);
    let next = 0;
    const drop = async (): Promise<void> => {
      for (let n = next++; n < files; n = next++) {
        const record = maintenanceRecord(`${run}-${String(n).padStart(6, '0')}`);
        await stack.dropFile(`maintenance/${run}-${n}.json`, Buffer.from(JSON.stringify(record)));
      }
    };
    await Promise.all(Array.from({ length: dropsAtOnce }, drop));
    const doneAt = await stack.storedAll(files, 30 * 60_000);
    await stack.close();
    return { files, filesPerSecond: Math.round((files * 10_000) / (doneAt - startedAt)) / 10 };
  } finally {
    await cloud.stop();
  }
}
