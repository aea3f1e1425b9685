/** One consumer in a process of its own, against a fake API in another: what a record costs beside its bare request. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { request, Pool } from 'undici';
import { HttpSink } from '../../lambdas/adapters/http-sink.ts';
import { systemClock } from '../../lambdas/adapters/system-clock.ts';
import { FailureRun } from '../../lambdas/core/breaker.ts';
import { SharedLimiter } from '../../lambdas/consumer/shared-limiter.ts';
import type { ConsumerPorts } from '../../lambdas/consumer/deliver-batch.ts';
import { deliverBatch } from '../../lambdas/consumer/deliver-batch.ts';
import type { SliceMessage } from '../../lambdas/messages.ts';
import { avionChunks } from '../../test/support/avion-export.ts';
import { InMemoryLedger } from '../../test/support/in-memory-ledger.ts';
import { InMemoryLimiterStore } from '../../test/support/in-memory-limiter-store.ts';
import { silentLog } from '../../test/support/in-memory-ports.ts';
import { cutFile } from '../../lambdas/splitter/cut-file.ts';
import type { SplitterCase } from '../splitter-cases.ts';
import { splitterCases } from '../splitter-cases.ts';
import { claimed, dialectOf, feed, from, portsInMemory, wholeInvocation } from '../splitter-in-memory.ts';

export {};
const [name = 'jsonl', count = '20000', rounds = '3'] = process.argv.slice(2);
const token = 'bench';
const api = spawn(process.execPath, [new URL('../../localstack/fake-avstar/main.ts', import.meta.url).pathname, '--token', token], { stdio: ['ignore', 'pipe', 'inherit'] });
const [line] = (await once(createInterface(api.stdout), 'line')) as [string];
const { url } = JSON.parse(line) as { url: string };
const connections = 32;
const one = splitterCases.find((each) => each.name === name) as SplitterCase;

async function batchesOf(rows: number, seed: number): Promise<{ messages: SliceMessage[]; ledger: InMemoryLedger }> {
  const bytes = Buffer.concat([...avionChunks({ rows, format: one.format as 'jsonl' | 'csv', seed }, () => undefined)]);
  const messages: SliceMessage[] = [];
  const ports = portsInMemory((offset) => from([bytes], offset), (some) => void messages.push(...(some as SliceMessage[])));
  const file = await claimed(one, bytes.length, ports);
  const dialect = dialectOf(one, bytes.subarray(0, 65536));
  const end = await cutFile({ ...file, dialect }, undefined, ports, wholeInvocation);
  if (end.kind !== 'cut') throw new Error('There was time enough.');
  const ledger = ports.ledger as InMemoryLedger;
  await ledger.saveSplitProgress('file', 1, { sha256: String(seed).padStart(64, '0'), dialect, leaseUntil: 0 });
  Object.assign(ledger.files.get('file') as object, { sha256: String(seed).padStart(64, '0'), dialect });
  return { messages, ledger };
}

function portsOf(ledger: InMemoryLedger): ConsumerPorts {
  let ids = 0;
  const limit = { requests: 1_000_000, windowSeconds: 10 };
  const tokens = { token: async () => token, refresh: async () => token };
  return {
    feed, api: 'api', limit, connections, ledger,
    limiter: new SharedLimiter({ store: new InMemoryLimiterStore(), clock: systemClock, limit, newId: () => String(++ids), random: Math.random, correctionMs: () => 0 }),
    events: { publish: async () => undefined },
    sink: new HttpSink({ baseUrl: url, path: feed.sink.path ?? '', connections, tokens, clock: systemClock }),
    tokens,
    batches: { sendBatches: async () => undefined, sendSuccessor: async () => { throw new Error('handed over'); } },
    letters: { sendLetters: async () => undefined, sendBack: async () => undefined },
    finalize: { send: async () => undefined },
    receipts: { putReceipts: async () => undefined, getReceipts: async () => Buffer.alloc(0) },
    clock: systemClock, log: silentLog,
    metrics: { add: () => undefined, flush: () => undefined },
    run: new FailureRun(), newId: () => `id-${++ids}`, random: Math.random,
  };
}

async function bare(bodies: string[], prefix: string): Promise<void> {
  const pool = new Pool(url, { connections, pipelining: 1 });
  let next = 0;
  const worker = async () => {
    for (let n = next++; n < bodies.length; n = next++) {
      const { body } = await request(`${url}${feed.sink.path}`, { dispatcher: pool, method: 'POST', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'x-request-id': `${prefix}-${n}` }, body: bodies[n] as string });
      await body.dump();
    }
  };
  await Promise.all(Array.from({ length: connections }, worker));
  await pool.close();
}

const cpu = async (work: () => Promise<void>) => {
  const before = process.cpuUsage();
  const start = performance.now();
  await work();
  const { user, system } = process.cpuUsage(before);
  return { seconds: (performance.now() - start) / 1000, cpu: (user + system) / 1e6 };
};

for (let round = 0; round < Number(rounds); round++) {
  const { messages, ledger } = await batchesOf(Number(count), Date.now() % 1e6);
  const ports = portsOf(ledger);
  const ours = await cpu(async () => {
    for (let n = 0; n < messages.length; n += 2) await Promise.all(messages.slice(n, n + 2).map((message) => deliverBatch(message, ports, wholeInvocation)));
  });
  const bodies = messages.flatMap(({ body }) => body.split('\n').filter(Boolean));
  const plain = await cpu(() => bare(bodies, `r${round}-${Date.now()}`));
  const per = 100_000 / Number(count);
  console.log(JSON.stringify({ batches: messages.length, records: bodies.length, ours: { rps: Math.round(Number(count) / ours.seconds), cpu: +(ours.cpu * per).toFixed(1) }, plain: { rps: Math.round(bodies.length / plain.seconds), cpu: +(plain.cpu * per).toFixed(1) } }));
}
api.kill();
process.exit(0);
