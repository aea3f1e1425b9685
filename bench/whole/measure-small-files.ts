import { setTimeout as sleep } from 'node:timers/promises';
import type { SmallFilesStack } from '../delivery/bench-cloud.ts';
import { BenchCloud } from '../delivery/bench-cloud.ts';
import { maxMembers } from '../../lambdas/core/records/bundle.ts';
import { cpuByPart } from '../delivery/cpu-by-part.ts';
import { maintenanceRecord } from '../../test/support/maintenance-records.ts';
import type { Cost } from './cost-of-a-million.ts';
import { costOfAMillion } from './cost-of-a-million.ts';

export interface SmallFilesFigures {
  files: number;
  /** From the first drop until the last record is stored. */
  filesPerSecond: number;
  /** The reference in the same run: the same files, dropped where nothing announces them. */
  putsPerSecond?: number;
  /** Counted: so many files to a bundle, as many as AWS gathers of a burst. */
  together?: number;
  /** The functions' calls by `service.Operation`, for each bundle. */
  callsPerBundle?: Record<string, number>;
  writeUnitsPerBundle?: number;
  logBytesPerFile?: number;
  cpuSecondsPerBundle?: Record<string, number>;
  /** The functions' calls for one file. */
  callsPerFile?: number;
  /** Dollars for a million files. */
  costOfAMillion?: Cost;
}

/** Dropped at once, over so many connections. */
const dropsAtOnce = 16;

/**
 * Files of one record each, into the record ledger. MiniStack hands a function ten messages at most: dropped files are in
 * bundles of ten. What they cost is counted with bundles as AWS has them.
 */
export async function measureSmallFiles(files: number, together = maxMembers): Promise<SmallFilesFigures> {
  return { files, ...(await timeSmallFiles(files)), ...(await countSmallFiles(together)) };
}

async function timeSmallFiles(files: number): Promise<{ filesPerSecond: number; putsPerSecond: number }> {
  const cloud = await BenchCloud.start();
  try {
    const stack = await cloud.deployMaintenance();
    const perSecond = (from: number, to: number): number => Math.round((files * 10_000) / (to - from)) / 10;
    const putAt = Date.now();
    await dropAll(stack, 'bench', files);
    const startedAt = Date.now();
    await dropAll(stack, 'maintenance', files);
    const doneAt = await stack.storedAll(files, 30 * 60_000);
    await stack.close();
    return { filesPerSecond: perSecond(startedAt, doneAt), putsPerSecond: perSecond(putAt, startedAt) };
  } finally {
    await cloud.stop();
  }
}

const bundles = 2;

/** Until so long after the last record is stored, functions settle, sign and archive. Milliseconds. */
const settlingMs = 15_000;

/** A scanner's record: 1.1 KB. */
const counted = (id: string): Buffer =>
  Buffer.from(JSON.stringify(maintenanceRecord(id, { remark: 'Inspected; no defects found. '.repeat(29) })));

/** Of the splitter, the consumers of this feed, and the finalizer, in the stage prod. */
const functionGigabytes = 1769 / 1024;

/** Without the reconciler, whose runs have nothing to do with the number of files. */
const functions = ['maintenance-splitter', 'maintenance-consumer', 'maintenance-finalizer'];

/** Before counting: a function's start, and its code before V8 has optimised it, are not what a million files cost. */
const warmingFiles = 500;

async function countSmallFiles(together: number): Promise<Partial<SmallFilesFigures>> {
  const cloud = await BenchCloud.start(true);
  try {
    const stack = await cloud.deployMaintenance();
    await cloud.stopReconciler();
    const run = Date.now().toString(36);
    const filesOf = (bundle: number, size: number) =>
      Array.from({ length: size }, (_, n) => ({
        key: `bench/${run}-${bundle}-${n}.json`,
        body: counted(`${run}-${bundle}-${n}`),
      }));
    await stack.splitTogether(filesOf(0, warmingFiles));
    await stack.storedAll(warmingFiles, 5 * 60_000);
    await sleep(settlingMs);
    const loggedBefore = await cloud.loggedBytes(functions);
    cloud.takeCounts();
    cloud.takeWriteUnits();
    const before = cpuByPart(cloud.pid).byFunction;
    for (let bundle = 1; bundle <= bundles; bundle++) await stack.splitTogether(filesOf(bundle, together));
    const files = bundles * together;
    await stack.storedAll(warmingFiles + files, 10 * 60_000);
    await sleep(settlingMs);
    const cpu = Object.entries(cpuByPart(cloud.pid).byFunction).flatMap(([name, seconds]): [string, number][] =>
      name === 'reconciler' ? [] : [[name, seconds - (before[name] ?? 0)]],
    );
    const counts = cloud.takeCounts();
    const writeUnits = cloud.takeWriteUnits();
    const logBytes = (await cloud.loggedBytes(functions)) - loggedBefore;
    await stack.close();
    const cpuSeconds = cpu.reduce((sum, [, seconds]) => sum + seconds, 0);
    // A batch and a request to close the file are received for each that is sent.
    const sent = Object.entries(counts).filter(([name]) => name.startsWith('sqs.Send'));
    const own = sent.reduce((sum, [, { requests }]) => sum + requests, 0);
    const usage = {
      ...{ counts, writeUnits, messages: files + own, invocations: bundles + own },
      gigabyteSeconds: cpuSeconds * functionGigabytes,
      announcements: files,
      logBytes,
    };
    const perBundle = ([name, value]: [string, number]): [string, number] => [name, value / bundles];
    const requests = Object.entries(counts).map(([name, count]): [string, number] => [name, count.requests]);
    return {
      together,
      callsPerBundle: Object.fromEntries(requests.map(perBundle)),
      writeUnitsPerBundle: writeUnits / bundles,
      logBytesPerFile: Math.round(logBytes / files),
      cpuSecondsPerBundle: Object.fromEntries(cpu.map(perBundle)),
      callsPerFile: requests.reduce((sum, [, count]) => sum + count, 0) / files,
      costOfAMillion: costOfAMillion(usage, files),
    };
  } finally {
    await cloud.stop();
  }
}

async function dropAll(stack: SmallFilesStack, folder: string, files: number): Promise<void> {
  const run = Date.now().toString(36);
  let next = 0;
  const drop = async (): Promise<void> => {
    for (let n = next++; n < files; n = next++) {
      const record = maintenanceRecord(`${run}-${String(n).padStart(6, '0')}`);
      await stack.dropFile(`${folder}/${run}-${n}.json`, Buffer.from(JSON.stringify(record)));
    }
  };
  await Promise.all(Array.from({ length: dropsAtOnce }, drop));
}
