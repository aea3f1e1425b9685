import { avionChunks } from '../../test/support/avion-export.ts';
import type { BenchCloud, BenchStack, Load } from './bench-cloud.ts';
import type { CpuByPart } from './cpu-by-part.ts';
import { cpuBetween, cpuByPart, peakMemoryMb, scaled } from './cpu-by-part.ts';

/** Of the limit, over some windows in steady state. */
export interface UseOfLimit extends Load {
  /** Requests accepted in the windows ÷ what the limit allows in them. */
  use: number;
  windows: number;
  throttled: number;
  /** The most requests in any window: never more than the limit. */
  mostInWindow: number;
}

/** Seconds from the first request that don't count: consumers are still starting. */
const rampSeconds = 3;

let seed = Math.floor(Date.now() / 1000);

/** Every row good, no two files with the same bytes. */
export function exportOf(rows: number): Buffer {
  const options = { rows, format: 'jsonl' as const, seed: seed++ };
  return Buffer.concat([...avionChunks(options, () => undefined)]);
}

/** One file that keeps the API busy for longer than the windows that are looked at. */
export async function measureUse(cloud: BenchCloud, load: Load, windows: number): Promise<UseOfLimit> {
  const { requests, windowSeconds } = load;
  const seconds = windows * windowSeconds;
  const perSecond = requests / windowSeconds;
  const stack = await cloud.deploy(load);
  try {
    // The tail has fewer consumers: it is not in the windows.
    const rows = Math.ceil(perSecond * (seconds + 2 * rampSeconds + 0.1 * seconds));
    const { fileId } = await stack.drop(`use-${rows}.jsonl`, exportOf(rows));
    await stack.manifestOf(fileId, (rows / perSecond + 240) * 1000);
    const stats = stack.api.stats();
    const counted = stats.perSecond.slice(rampSeconds, rampSeconds + seconds);
    const accepted = counted.reduce((sum, count) => sum + count, 0);
    return {
      ...load,
      windows,
      use: accepted / (windows * requests),
      throttled: stats.throttled,
      mostInWindow: stats.maxOfferedInWindow,
    };
  } finally {
    await stack.close();
  }
}

export interface Throughput {
  records: number;
  recordsPerSecond: number;
  /** From drop to manifest. */
  seconds: number;
  /** CPU-seconds per 100,000 records. */
  cpu: CpuByPart;
  /** The most memory of any process of a part, MB. */
  peakMemoryMb: Record<string, number>;
}

/** As fast as possible: the API accepts everything, and the limiter's pace can not be reached. */
export async function measureThroughput(cloud: BenchCloud, records: number): Promise<Throughput> {
  const stack = await cloud.deploy({
    ...{ requests: 1_000_000, windowSeconds: 10, consumers: 2, connections: 24 },
    isLimited: false,
  });
  try {
    await warmUp(stack);
    const before = cpuByPart(cloud.pid);
    const { fileId, atMs } = await stack.drop('throughput.jsonl', exportOf(records));
    await stack.manifestOf(fileId, 600_000);
    const seconds = (Date.now() - atMs) / 1000;
    const used = cpuBetween(before, cpuByPart(cloud.pid));
    const share = 100_000 / records;
    return {
      records,
      seconds,
      recordsPerSecond: records / seconds,
      cpu: scaled(used, share),
      peakMemoryMb: peakMemoryMb(cloud.pid),
    };
  } finally {
    await stack.close();
  }
}

export interface Latency {
  files: number;
  rowsAFile: number;
  /** Milliseconds from the drop. */
  firstUpload: { p50: number; p99: number };
  manifest: { p50: number; p99: number };
}

/** Small files, each dropped when the previous one is done: how long one waits without a backlog. */
export async function measureLatency(cloud: BenchCloud, files: number): Promise<Latency> {
  const rowsAFile = 20;
  const stack = await cloud.deploy({
    ...{ requests: 6_000, windowSeconds: 60, consumers: 2, connections: 20 },
    isLimited: true,
  });
  try {
    await warmUp(stack);
    const firstUpload: number[] = [];
    const manifest: number[] = [];
    for (let n = 0; n < files; n++) {
      const { fileId, atMs } = await stack.drop(`latency-${n}.jsonl`, exportOf(rowsAFile));
      const { times } = await stack.manifestOf(fileId, 120_000);
      firstUpload.push(Date.parse(times.first_upload ?? '') - atMs);
      manifest.push(Date.parse(times.completed) - atMs);
    }
    return { files, rowsAFile, firstUpload: percentilesOf(firstUpload), manifest: percentilesOf(manifest) };
  } finally {
    await stack.close();
  }
}

/** Functions that are started already: cold starts are another figure. */
async function warmUp(stack: BenchStack): Promise<void> {
  const { fileId } = await stack.drop('warm-up.jsonl', exportOf(1_000));
  await stack.manifestOf(fileId, 240_000);
}

export function percentilesOf(values: readonly number[]): { p50: number; p99: number } {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? NaN;
  return { p50: at(0.5), p99: at(0.99) };
}
