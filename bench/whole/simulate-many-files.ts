/** Many files at once, by the real functions in simulated time: `node simulate-many-files.ts FILES LARGE_FILES`. */
import type { FileEnd } from '../../test/support/many-files-world.ts';
import { fairEndMs, ManyFilesWorld } from '../../test/support/many-files-world.ts';

export interface SimulatedManyFiles {
  /** Small ones, dropped within a minute. */
  simulatedFiles: number;
  /** Of the file that ends latest: its time ÷ the time after which it is fair to end. */
  lastEndOfFair: number;
  /** Calls to AWS of one `status` while all are open ÷ files. */
  statusCallsPerFile: number;
  /** Calls to AWS of the dearest run of the reconciler ÷ files: most had waited in the queue for more than half an hour. */
  reconcilerCallsPerFile: number;
  /** Of so many batches that the horizon holds back most of them; dropped at once. */
  simulatedLargeFiles: number;
  /** When the first record of the last large file is sent ÷ when it is, if each file has sent one batch by then. */
  lastStartOfFair: number;
  /** Of the large file that ends latest: its time ÷ the time after which it is fair to end. */
  lastEndOfFairLarge: number;
  /** Of the large file that ends first, likewise: 1 if none gets more than its share. */
  firstEndOfFairLarge: number;
}

const rows = 60;
/** All files together: most wait for more than the half hour after which the reconciler checks them. Minutes. */
const minutes = 120;
const dropMs = 60_000;

async function simulateSmall(files: number) {
  const dropped = Array.from({ length: files }, (_, nth) => ({ rows, atMs: (nth * dropMs) / files }));
  const limit = { requests: (files * rows) / minutes, windowSeconds: 60 };
  const world = new ManyFilesWorld({ ...{ files: dropped, limit, batchRecords: rows, order: 'any', seed: 1 } });
  let statusCalls = NaN;
  world.onBacklog = async () => void (statusCalls = (await world.look()).calls);
  const ends = await world.run();
  expectExact(ends);
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

/** A file of 100,000 records has a hundred batches and more. */
const large = { rows: 2_000, batchRecords: 20, horizonRecords: 200 };

async function simulateLarge(files: number) {
  const limit = { requests: 6_000, windowSeconds: 60 };
  const dropped = Array.from({ length: files }, () => ({ rows: large.rows }));
  const world = new ManyFilesWorld({ ...large, files: dropped, limit, order: 'fair', seed: 1 });
  const ends = await world.run();
  expectExact(ends);
  const fairMs = fairEndMs(large.rows, Array<number>(files).fill(large.rows), limit);
  const startMs = fairEndMs(large.batchRecords, Array<number>(files).fill(large.batchRecords), limit);
  const endsMs = ends.map(({ endMs }) => endMs);
  return {
    simulatedLargeFiles: files,
    lastStartOfFair: Math.max(...ends.map(({ firstRecordMs }) => firstRecordMs)) / startMs,
    lastEndOfFairLarge: Math.max(...endsMs) / fairMs,
    firstEndOfFairLarge: Math.min(...endsMs) / fairMs,
  };
}

function expectExact(ends: readonly FileEnd[]): void {
  const inexact = ends.filter(({ rows, manifest }) => !manifest.reconciled || manifest.uploaded_records !== rows);
  if (inexact.length > 0) throw new Error(`${inexact.length} of ${ends.length} accounts are not exact.`);
}

const [small = '1000', largeFiles = '100'] = process.argv.slice(2);
const figures = { ...(await simulateSmall(Number(small))), ...(await simulateLarge(Number(largeFiles))) };
console.log(JSON.stringify(figures satisfies SimulatedManyFiles));
