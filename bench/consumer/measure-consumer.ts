/** The CPU that a consumer uses per record, compared with the bare request: in a separate process, the fake API in another. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Pool, request } from 'undici';
import { HttpSink } from '../../lambdas/adapters/http-sink.ts';
import { systemClock } from '../../lambdas/adapters/system-clock.ts';
import type { Sink } from '../../lambdas/ports.ts';
import { median } from '../interleave.ts';
import { feed } from '../splitter-in-memory.ts';
import { deliverAll, splitExport } from './consumer-in-memory.ts';

export interface ConsumerFigures {
  records: number;
  rounds: number;
  /** Of one process; medians of the rounds. */
  cpuSecondsPer100k: {
    /** Validated, mapped, hashed, journalled, receipts and all, and sent nowhere. */
    unsent: number;
    /** The same, posted to the API. */
    delivered: number;
    /** Nothing but the requests: the same bodies over as many connections, by the same client. */
    bare: number;
  };
  recordsPerSecond: { delivered: number; bare: number };
  /** Delivered ÷ bare. */
  cpuOfBare: number;
}

const connections = 20;
const [rows = '40000', rounds = '3'] = process.argv.slice(2);

const path = feed.sink.path ?? '';
const sluice = fileURLToPath(new URL('../../cli/sluice.ts', import.meta.url));
const args = ['fake-api', '--token', 'bench', '--port', '0'];
const api = spawn(process.execPath, [sluice, ...args], { stdio: ['ignore', 'pipe', 'ignore'] });
try {
  const [line] = (await once(createInterface(api.stdout), 'line')) as [string];
  const url = /https?:\S+/.exec(line)?.[0] ?? '';
  process.stdout.write(JSON.stringify(await measure(url, Number(rows), Number(rounds))));
} finally {
  api.kill();
}

async function measure(url: string, records: number, wanted: number): Promise<ConsumerFigures> {
  const all = { unsent: [] as Use[], delivered: [] as Use[], bare: [] as Use[] };
  const seeds = Math.floor(Date.now() / 1000) % 1e6;
  // The first round, in which the code is compiled, doesn't count.
  for (let round = 0; round <= wanted; round++) {
    const bodies: string[] = [];
    const recorder: Sink = {
      deliver: async ({ json }) => {
        bodies.push(json);
        return { kind: 'uploaded', status: 201 };
      },
    };
    const exported = await splitExport(records, seeds + 3 * round);
    const unsent = await use(() => deliverAll(exported, recorder, connections));
    const another = await splitExport(records, seeds + 3 * round + 1);
    const token = Promise.resolve('bench');
    const tokens = { token: () => token, refresh: () => token };
    const sink = new HttpSink({ baseUrl: url, path, connections, tokens, clock: systemClock });
    const delivered = await use(() => deliverAll(another, sink, connections));
    await sink.close();
    const bare = await use(() => postAll(`${url}${path}`, bodies, `${seeds}-${round}`));
    if (bodies.length !== records) throw new Error(`${records - bodies.length} records of the export are not good.`);
    if (round > 0)
      for (const [name, figure] of Object.entries({ unsent, delivered, bare })) all[name as 'bare'].push(figure);
  }
  const cpu = (uses: Use[]) => median(uses.map(({ cpuSeconds }) => (cpuSeconds * 100_000) / records));
  const speed = (uses: Use[]) => Math.round(median(uses.map(({ seconds }) => records / seconds)));
  return {
    records,
    rounds: wanted,
    cpuSecondsPer100k: { unsent: cpu(all.unsent), delivered: cpu(all.delivered), bare: cpu(all.bare) },
    recordsPerSecond: { delivered: speed(all.delivered), bare: speed(all.bare) },
    cpuOfBare: median(all.delivered.map((each, n) => each.cpuSeconds / (all.bare[n]?.cpuSeconds ?? NaN))),
  };
}

async function postAll(url: string, bodies: readonly string[], run: string): Promise<void> {
  const pool = new Pool(new URL(url).origin, { connections, pipelining: 1 });
  let next = 0;
  const work = async (): Promise<void> => {
    for (let n = next++; n < bodies.length; n = next++) {
      const headers = {
        authorization: 'Bearer bench',
        'content-type': 'application/json',
        'x-request-id': `${run}-${n}`,
      };
      const { body } = await request(url, { dispatcher: pool, method: 'POST', headers, body: bodies[n] ?? '' });
      await body.dump();
    }
  };
  await Promise.all(Array.from({ length: connections }, work));
  await pool.close();
}

interface Use {
  seconds: number;
  cpuSeconds: number;
}

async function use(work: () => Promise<void>): Promise<Use> {
  globalThis.gc?.();
  const [start, before] = [performance.now(), process.cpuUsage()];
  await work();
  const { user, system } = process.cpuUsage(before);
  return { seconds: (performance.now() - start) / 1000, cpuSeconds: (user + system) / 1e6 };
}
