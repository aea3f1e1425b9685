/**
 * `npm run bench:scale`: what a night of 10^6, 10^8 and 10^10 records costs, and what stops it first. The limiter's part is
 * simulated with the limiter itself, as many consumers as there would be; the rest is worked out from counts and quotas.
 */
import { LimiterSimulation } from '../test/support/limiter-simulation.ts';
import { keptRuns } from './whole/kept.ts';
import type { WorkedOut } from './scale/work-out.ts';
import { consumersFor, workOut } from './scale/work-out.ts';

const hours = 8;
const bytesARecord = 200;
const nights = [
  { records: 1e6, files: 1 },
  { records: 1e8, files: 1 },
  { records: 1e8, files: 10 },
  { records: 1e10, files: 1_000 },
].map((night) => ({ ...night, hours, bytesARecord }));

/** Seconds that are simulated: enough for a few leases of each consumer. */
const simulatedSeconds = 3;
const windowSeconds = 60;

/** Reads and writes of the limiter's item, and the share of the limit that was used. */
async function simulate(recordsPerSecond: number): Promise<{ callsASecond: number; use: number }> {
  const result = await new LimiterSimulation({
    limit: { requests: Math.ceil(recordsPerSecond * windowSeconds), windowSeconds },
    ...{ consumers: consumersFor(recordsPerSecond), connections: 24, answerMs: [15, 45] },
    ...{ warmUp: 2 / windowSeconds, windows: simulatedSeconds / windowSeconds },
  }).run();
  return { callsASecond: result.storeCallsASecond, use: result.use };
}

function describe({ night, recordsPerSecond, consumers, dollars, uses }: WorkedOut, use: number): string {
  const number = (value: number): string =>
    value.toLocaleString('en-US', { maximumFractionDigits: value < 10 ? 1 : 0 });
  return [
    `${number(night.records)} records in ${number(night.files)} files: ${number(recordsPerSecond)} a second over ${night.hours} h, ` +
      `${number(consumers)} consumers, $${number(dollars)}; ${(use * 100).toFixed(1)}% of the limit used`,
    ...uses.map(
      ({ of, used, allowed }) =>
        `  ${((100 * used) / allowed).toFixed(1).padStart(8)}%  ${of}: ${number(used)} of ${number(allowed)}`,
    ),
  ].join('\n');
}

const kept = keptRuns().findLast(({ cost }) => cost !== undefined);
if (!kept?.cost) throw new Error('No counts are kept under bench/results/: npm run bench -- --keep.');
for (const night of nights) {
  const { callsASecond, use } = await simulate(night.records / (night.hours * 3600));
  console.log(`${describe(workOut(night, callsASecond, kept.cost.cost), use)}\n`);
}
