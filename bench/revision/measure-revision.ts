/**
 * `npm run bench:revision`: what it takes to read and compare a revision, against delivering the same records in one process
 * with AWS apart. Each round delivers and compares the same file; the machine may be shared, so CPU time counts.
 */
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { HttpSink } from '../../lambdas/adapters/http-sink.ts';
import { systemClock } from '../../lambdas/adapters/system-clock.ts';
import { planRevision } from '../../lambdas/splitter/plan-revision.ts';
import { avionChunks } from '../../test/support/avion-export.ts';
import { deliverAll, splitBytes } from '../consumer/consumer-in-memory.ts';
import { median } from '../interleave.ts';
import { claimed, dialectOf, feed, from, portsInMemory, wholeInvocation } from '../splitter-in-memory.ts';
import type { SplitterCase } from '../splitter-cases.ts';
import type { LargeFigures } from './compare-large.ts';
import type { UnchangedCost } from './measure-cost-of-unchanged.ts';
import { measureCostOfUnchanged } from './measure-cost-of-unchanged.ts';
import { useOf } from './use-of.ts';

export interface RevisionFigures {
  records: number;
  rounds: number;
  /** Medians of the rounds; both with the file's SHA-256. */
  cpuSecondsPer100k: { delivered: number; compared: number };
  /** The median of the rounds' quotients. */
  comparedOfDelivered: number;
  large: LargeFigures[];
  /** By counted calls on a local cloud; absent if they were not counted. */
  cost?: UnchangedCost;
}

const connections = 20;
const one: SplitterCase = { name: 'jsonl', format: 'jsonl' };
const { values } = parseArgs({
  options: {
    records: { type: 'string', default: '100000' },
    rounds: { type: 'string', default: '3' },
    /** Sizes of files that are only compared, each in a process of its own; with `gz`, as a gzip. */
    large: { type: 'string', default: '1000000,1000000gz' },
    /** Of a file whose calls to AWS are counted, sent at 6,000 a minute and then unchanged; 0: none. */
    counted: { type: 'string', default: '20000' },
  },
});
const sluice = fileURLToPath(new URL('../../cli/sluice.ts', import.meta.url));
const api = spawn(process.execPath, [sluice, 'fake-api', '--token', 'bench', '--port', '0'], {
  stdio: ['ignore', 'pipe', 'ignore'],
});
try {
  const [line] = (await once(createInterface(api.stdout), 'line')) as [string];
  const url = /https?:\S+/.exec(line)?.[0] ?? '';
  const ratio = await measure(url, Number(values.records), Number(values.rounds));
  const large: LargeFigures[] = [];
  for (const size of values.large.split(',').filter(Boolean)) large.push(await compareLarge(size));
  const counted = Number(values.counted);
  const cost = counted > 0 ? await measureCostOfUnchanged(counted, 6_000) : undefined;
  console.log(JSON.stringify({ ...ratio, large, ...(cost ? { cost } : {}) } satisfies RevisionFigures, null, 2));
} finally {
  api.kill();
}

async function measure(url: string, records: number, rounds: number): Promise<Omit<RevisionFigures, 'large'>> {
  const pairs: { delivered: number; compared: number }[] = [];
  const seeds = Math.floor(Date.now() / 1000) % 1e6;
  // The first round, in which the code is compiled, doesn't count.
  for (let round = 0; round <= rounds; round++) {
    const bytes = Buffer.concat([
      ...avionChunks({ rows: records, format: 'jsonl', seed: seeds + round }, () => undefined),
    ]);
    const pair = await measurePair(bytes, records, url);
    if (round > 0) pairs.push(pair);
  }
  const per100k = (cpu: number[]) => (median(cpu) * 100_000) / records;
  return {
    ...{ records, rounds },
    cpuSecondsPer100k: {
      delivered: per100k(pairs.map(({ delivered }) => delivered)),
      compared: per100k(pairs.map(({ compared }) => compared)),
    },
    comparedOfDelivered: median(pairs.map(({ delivered, compared }) => compared / delivered)),
  };
}

/** CPU-seconds of delivering the file, and of comparing it with what was delivered. One row of it is new. */
async function measurePair(bytes: Buffer, records: number, url: string) {
  const tokens = { token: async () => 'bench', refresh: async () => 'bench' };
  const sink = new HttpSink({ baseUrl: url, path: feed.sink.path ?? '', connections, tokens, clock: systemClock });
  const receipts = new Map<string, Buffer>();
  let checksum = '';
  const delivered = await useOf(async () => {
    checksum = sha256Of(bytes);
    await deliverAll(await splitBytes(bytes, checksum), sink, connections, (key, stored) => receipts.set(key, stored));
  });
  await sink.close();
  const evidence = Buffer.concat([...receipts.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each));
  const ports = portsInMemory(
    (offset) => from([revised], offset),
    () => undefined,
  );
  const [row = ''] = bytes.toString('latin1', 0, 4096).split('\n');
  const revised = Buffer.concat([
    bytes,
    Buffer.from(`${row.replace(/"SpotID":"[^"]*"/, '"SpotID":"NEW-1"')}\n`, 'latin1'),
  ]);
  const account = await claimed(one, revised.length, ports);
  const dialect = dialectOf(one, revised.subarray(0, 1024 * 1024));
  const base = { fileId: 'older', manifest: 1, checksum, records, receipts: { key: 'r', sha256: sha256Of(evidence) } };
  const archive = { getStream: async () => Readable.from([evidence]) };
  let unchanged = 0;
  const compared = await useOf(async () => {
    const file = { ...account, dialect, sha256: sha256Of(revised) };
    const made = await planRevision(file, [base], {
      ports: { ...ports, archive, rules: { guard: 1 } },
      deadline: wholeInvocation,
      keepLease: async () => undefined,
    });
    if (made.kind === 'planned') unchanged = made.plan.counts.unchanged;
  });
  if (unchanged !== records) throw new Error(`${unchanged} of ${records} records are unchanged: nothing was measured.`);
  return { delivered: delivered.cpuSeconds, compared: compared.cpuSeconds };
}

async function compareLarge(size: string): Promise<LargeFigures> {
  const path = fileURLToPath(new URL('compare-large.ts', import.meta.url));
  const parameters = [String(Number.parseInt(size, 10)), ...(size.endsWith('gz') ? ['gzip'] : [])];
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...process.execArgv,
    '--expose-gc',
    path,
    ...parameters,
  ]);
  return JSON.parse(stdout) as LargeFigures;
}

function sha256Of(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
