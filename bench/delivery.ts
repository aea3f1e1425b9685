import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import type { Load } from './delivery/bench-cloud.ts';
import { BenchCloud } from './delivery/bench-cloud.ts';
import type { UseOfLimit } from './delivery/measure.ts';
import { measureLatency, measureThroughput, measureUse } from './delivery/measure.ts';

/**
 * `npm run bench:delivery`: the deployed stack on a local cloud of its own, against the fake API, all on this machine.
 * What others do on it shows in the figures: a use of the limit below its bar on a busy machine says little.
 */
const { values } = parseArgs({
  options: {
    /** A few minutes in place of twenty: short windows, fewer consumers and records. */
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});

const limited = (requests: number, windowSeconds: number, consumers: number): Load => ({
  ...{ requests, windowSeconds, consumers },
  // Two for letters; four a consumer, but all together no more than a scheduling API gives.
  connections: Math.max(20, consumers * 2 + 2),
  isLimited: true,
});

/** By the bars: 600 and 6,000 a minute over three windows, 300 a second over thirty. */
const cases: [Load, windows: number][] = values.quick
  ? [
      [limited(1_000, 10, 2), 3],
      [limited(300, 1, 2), 15],
    ]
  : [
      [limited(600, 60, 2), 3],
      [limited(6_000, 60, 2), 3],
      [limited(6_000, 60, 10), 3],
      [limited(6_000, 60, 20), 3],
      [limited(300, 1, 2), 30],
      [limited(300, 1, 10), 30],
      [limited(300, 1, 20), 30],
    ];

const say = (line: string) => void process.stderr.write(`${line}\n`);
const percent = (share: number) => `${(share * 100).toFixed(2)}%`;

const cloud = await BenchCloud.start();
process.once('SIGINT', () => void cloud.stop().finally(() => process.exit(130)));
try {
  const use: UseOfLimit[] = [];
  for (const [load, windows] of cases) {
    const one = await measureUse(cloud, load, windows);
    use.push(one);
    say(
      `${load.requests} in ${load.windowSeconds} s, ${load.consumers} consumers: ${percent(one.use)} of the limit over ` +
        `${windows} windows, ${one.throttled} answered 429, at most ${one.mostInWindow} in any window`,
    );
  }
  const throughput = await measureThroughput(cloud, values.quick ? 20_000 : 100_000);
  const { functions, cloud: cloudCpu, api } = throughput.cpu;
  say(
    `without a limit: ${Math.round(throughput.recordsPerSecond)} records/s from drop to manifest (${throughput.records} records); ` +
      `CPU-s per 100,000: functions ${functions.toFixed(1)}, local cloud ${cloudCpu.toFixed(1)}, API ${api.toFixed(1)}`,
  );
  const latency = await measureLatency(cloud, values.quick ? 10 : 100);
  say(
    `a file of ${latency.rowsAFile} rows, ${latency.files} times: first upload after ${latency.firstUpload.p50} ms ` +
      `(p99 ${latency.firstUpload.p99}), manifest after ${latency.manifest.p50} ms (p99 ${latency.manifest.p99})`,
  );
  const machine = { node: process.version, cores: cpus().length, cpu: cpus()[0]?.model ?? '' };
  if (values.json) process.stdout.write(`${JSON.stringify({ machine, use, throughput, latency }, null, 2)}\n`);
} finally {
  await cloud.stop();
}
