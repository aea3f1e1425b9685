/** Many files dropped within a minute, by the real functions in simulated time: `node simulate-many-files.ts FILES`. */
import { fairEndMs, ManyFilesWorld } from '../../test/support/many-files-world.ts';

export interface SimulatedManyFiles {
  simulatedFiles: number;
  /** Of the file that ends latest: its time ÷ the time after which it is fair to end. */
  lastEndOfFair: number;
  /** Calls to AWS of one `status` while all are open ÷ files. */
  statusCallsPerFile: number;
  /** Calls to AWS of the dearest run of the reconciler ÷ files: most had waited in the queue for more than half an hour. */
  reconcilerCallsPerFile: number;
}

const rows = 60;
/** All files together: most wait for more than the half hour after which the reconciler checks them. Minutes. */
const minutes = 120;
const dropMs = 60_000;

async function simulate(files: number): Promise<SimulatedManyFiles> {
  const dropped = Array.from({ length: files }, (_, nth) => ({ rows, atMs: (nth * dropMs) / files }));
  const limit = { requests: (files * rows) / minutes, windowSeconds: 60 };
  const world = new ManyFilesWorld({ ...{ files: dropped, limit, batchRecords: rows, order: 'any', seed: 1 } });
  let statusCalls = NaN;
  world.onBacklog = async () => void (statusCalls = (await world.look()).calls);
  const ends = await world.run();
  const inexact = ends.filter(({ manifest }) => !manifest.reconciled || manifest.uploaded_records !== rows);
  if (inexact.length > 0) throw new Error(`${inexact.length} of ${files} accounts are not exact.`);
  const fairMs = dropMs + fairEndMs(rows, Array<number>(files).fill(rows), limit);
  // A run that finds nothing untouched for half an hour has less to do.
  const dearest = Math.max(...world.reconciliations.map(({ calls }) => calls));
  return {
    simulatedFiles: files,
    lastEndOfFair: Math.max(...ends.map(({ endMs }) => endMs)) / fairMs,
    statusCallsPerFile: statusCalls / files,
    reconcilerCallsPerFile: dearest / files,
  };
}

console.log(JSON.stringify(await simulate(Number(process.argv[2] ?? 1_000))));
