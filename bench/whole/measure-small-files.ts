import { setTimeout as sleep } from 'node:timers/promises';
import type { SmallFilesStack } from '../delivery/bench-cloud.ts';
import { BenchCloud } from '../delivery/bench-cloud.ts';
import { maintenanceRecord } from '../../test/support/maintenance-records.ts';
import type { Cost } from './cost-of-a-million.ts';
import { costOfAMillion } from './cost-of-a-million.ts';

export interface SmallFilesFigures {
  files: number;
  /** From the first drop until the last record is stored. */
  filesPerSecond: number;
  /** The functions' calls for one file, counted. */
  callsPerFile?: number;
  /** Dollars for a million files, without Lambda's time and the mappings' requests. */
  costOfAMillion?: Cost;
}

/** Dropped at once, over so many connections. */
const dropsAtOnce = 16;

/** Files of one record each, into the record ledger. MiniStack hands a function ten messages at most: bundles are of ten. */
export async function measureSmallFiles(files: number): Promise<SmallFilesFigures> {
  const filesPerSecond = await timeSmallFiles(files);
  return { files, filesPerSecond, ...(await countSmallFiles(Math.min(files, countedFiles))) };
}

async function timeSmallFiles(files: number): Promise<number> {
  const cloud = await BenchCloud.start();
  try {
    const stack = await cloud.deployMaintenance();
    const startedAt = Date.now();
    await dropAll(stack, files);
    const doneAt = await stack.storedAll(files, 30 * 60_000);
    await stack.close();
    return Math.round((files * 10_000) / (doneAt - startedAt)) / 10;
  } finally {
    await cloud.stop();
  }
}

/** Counting takes time itself, and the counts are proportional. */
const countedFiles = 1_000;

/** Until so long after the last record is stored, functions settle, sign and archive. Milliseconds. */
const settlingMs = 15_000;

async function countSmallFiles(files: number): Promise<Pick<SmallFilesFigures, 'callsPerFile' | 'costOfAMillion'>> {
  const cloud = await BenchCloud.start(true);
  try {
    const stack = await cloud.deployMaintenance();
    cloud.takeCounts();
    cloud.takeWriteUnits();
    await dropAll(stack, files);
    await stack.storedAll(files, 30 * 60_000);
    await sleep(settlingMs);
    const counts = cloud.takeCounts();
    const usage = { counts, writeUnits: cloud.takeWriteUnits(), messages: 0, invocations: 0, gigabyteSeconds: 0 };
    await stack.close();
    const calls = Object.values(counts).reduce((sum, { requests }) => sum + requests, 0);
    return { callsPerFile: calls / files, costOfAMillion: costOfAMillion(usage, files) };
  } finally {
    await cloud.stop();
  }
}

async function dropAll(stack: SmallFilesStack, files: number): Promise<void> {
  const run = Date.now().toString(36);
  let next = 0;
  const drop = async (): Promise<void> => {
    for (let n = next++; n < files; n = next++) {
      const record = maintenanceRecord(`${run}-${String(n).padStart(6, '0')}`);
      await stack.dropFile(`maintenance/${run}-${n}.json`, Buffer.from(JSON.stringify(record)));
    }
  };
  await Promise.all(Array.from({ length: dropsAtOnce }, drop));
}
