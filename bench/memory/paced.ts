import { parseArgs } from 'node:util';
import { avionChunks } from '../../test/support/avion-export.ts';
import { BenchCloud } from '../delivery/bench-cloud.ts';
import { peakMemoryMb } from '../delivery/cpu-by-part.ts';

/**
 * `npm run bench:paced-memory`: the most memory that each function has at a paced rate, on a local cloud of its own, with the
 * flags that Lambda's runtime starts Node with (cdk/lambda-runtime.ts). cdk/consumer-memory.ts follows from it.
 */
const { values } = parseArgs({
  options: {
    /** Requests a second of each consumer. */
    rate: { type: 'string', default: '60' },
    minutes: { type: 'string', default: '5' },
    /** Then also of a revision with as many new records at its end, whose batches are larger, and of one with none. */
    revision: { type: 'boolean', default: false },
  },
});
const consumers = 2;
const requests = Number(values.rate) * consumers * 60;
const rows = Math.ceil(requests * Number(values.minutes));

const cloud = await BenchCloud.start();
process.once('SIGINT', () => void cloud.stop().finally(() => process.exit(130)));
try {
  const stack = await cloud.deploy(
    { requests, windowSeconds: 60, consumers, connections: 20, isLimited: true },
    { SLUICE_TRAFFIC_SERIES: 'memory_R{#}.jsonl', SLUICE_TRAFFIC_CHANGED_RECORDS: 'replaces' },
  );
  const seed = Math.floor(Date.now() / 1000);
  let bytes = Buffer.alloc(0);
  const measure = async (revision: number, added: number): Promise<void> => {
    const more = avionChunks({ rows: added, format: 'jsonl', seed: seed + revision }, () => undefined);
    bytes = Buffer.concat([bytes, ...more]);
    const { fileId } = await stack.drop(`memory_R${revision}.jsonl`, bytes);
    const manifest = await stack.manifestOf(fileId, (Number(values.minutes) * 60 + 240) * 1000, revision > 1);
    const { total_records: records, unchanged_records: unchanged } = manifest;
    const figures = { requestsPerSecondAConsumer: Number(values.rate), records, unchanged };
    process.stdout.write(`${JSON.stringify({ ...figures, peakMemoryMb: peakMemoryMb(cloud.pid) })}\n`);
  };
  await measure(1, rows);
  if (values.revision) {
    await measure(2, rows);
    await measure(3, 1);
  }
  await stack.close();
} finally {
  await cloud.stop();
}
