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
  },
});
const consumers = 2;
const requests = Number(values.rate) * consumers * 60;
const rows = Math.ceil(requests * Number(values.minutes));

const cloud = await BenchCloud.start();
process.once('SIGINT', () => void cloud.stop().finally(() => process.exit(130)));
try {
  const stack = await cloud.deploy({ requests, windowSeconds: 60, consumers, connections: 20, isLimited: true });
  const options = { rows, format: 'jsonl' as const, seed: Math.floor(Date.now() / 1000) };
  const { fileId } = await stack.drop(
    `memory-${rows}.jsonl`,
    Buffer.concat([...avionChunks(options, () => undefined)]),
  );
  await stack.manifestOf(fileId, (Number(values.minutes) * 60 + 240) * 1000);
  const figures = {
    requestsPerSecondAConsumer: Number(values.rate),
    records: rows,
    peakMemoryMb: peakMemoryMb(cloud.pid),
  };
  process.stdout.write(`${JSON.stringify(figures)}\n`);
  await stack.close();
} finally {
  await cloud.stop();
}
