/**
 * `npm run bench:peers`: the same file through the same API by what a user would take instead, each in a process of its
 * own, in turns. A log shipper is not among them: syslog-ng 3.38 can't give each request an id of its own.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { startFakeAvstar } from '../../localstack/fake-avstar/server.ts';
import { avionChunks } from '../../test/support/avion-export.ts';
import { peakOf, secondsOf } from '../delivery/cpu-by-part.ts';
import { median } from '../interleave.ts';

export interface PeerFigures {
  peer: string;
  recordsPerSecond: number;
  cpuSecondsPer100k: number;
  peakMb: number;
  /** Rows known to be invalid that the API received. */
  brokenSent: number;
}

interface Peer {
  name: string;
  /** Its script in this folder. */
  script: string;
  /** As it is deployed, bundled: functions never load their modules one by one. */
  isBundled: boolean;
}

const connections = 20;
const brokenShare = 0.01;

const peers: Peer[] = [
  { name: 'sluice, one process, no AWS', script: 'sluice-in-memory.ts', isBundled: true },
  { name: 'plain Node', script: 'plain-node.ts', isBundled: false },
];

/** Like cdk/constructs/sluice-function.ts. @returns the script's path */
async function bundled(script: string, folder: string): Promise<string> {
  const outfile = join(folder, `${script}.mjs`);
  await build({
    ...{ entryPoints: [join(import.meta.dirname, script)], outfile, bundle: true, logLevel: 'error' },
    ...{ platform: 'node', format: 'esm', target: 'node24', mainFields: ['module', 'main'] },
    minify: true,
    banner: { js: "import{createRequire as r}from'node:module';const require=r(import.meta.url);" },
  });
  return outfile;
}

export async function measurePeers(records: number, rounds: number): Promise<PeerFigures[]> {
  const all = new Map<string, Measured[]>(peers.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    const seed = (Math.floor(Date.now() / 1000) % 1e6) + round;
    const folder = mkdtempSync(join(tmpdir(), 'sluice-peers-'));
    try {
      const file = join(folder, 'export.jsonl');
      let good = 0;
      const rows = avionChunks({ rows: records, format: 'jsonl', seed, brokenShare }, ({ truth }) => {
        if (truth.kind !== 'broken') good++;
      });
      writeFileSync(file, Buffer.concat([...rows]));
      for (const { name, script, isBundled } of peers) {
        const path = isBundled ? await bundled(script, folder) : join(import.meta.dirname, script);
        all.get(name)?.push(await measureOne(name, path, file, good));
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  return peers.map(({ name }) => {
    const measured = all.get(name) ?? [];
    const of = (figure: (one: Measured) => number): number => median(measured.map(figure));
    return {
      peer: name,
      recordsPerSecond: Math.round(records / of(({ seconds }) => seconds)),
      cpuSecondsPer100k: (of(({ cpuSeconds }) => cpuSeconds) * 100_000) / records,
      peakMb: of(({ peakMb }) => peakMb),
      brokenSent: of(({ brokenSent }) => brokenSent),
    };
  });
}

interface Measured {
  seconds: number;
  cpuSeconds: number;
  peakMb: number;
  brokenSent: number;
}

/** From its start to its end: loading and compiling are included. */
async function measureOne(name: string, script: string, file: string, good: number): Promise<Measured> {
  const api = await startFakeAvstar({ token: 'bench' });
  const startedAt = performance.now();
  const args = [script, file, `${api.url}/ingest`, String(connections)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  const ended = once(child, 'exit');
  const pid = child.pid ?? 0;
  let last = { cpuSeconds: 0, peakMb: 0 };
  try {
    for (;;) {
      const code = await Promise.race([ended.then(([code]) => code as number), pause(20)]);
      if (typeof code === 'number') {
        if (code !== 0) throw new Error(`${name} ended with ${code}.`);
        break;
      }
      last = { cpuSeconds: secondsOf(pid) ?? last.cpuSeconds, peakMb: peakOf(pid) ?? last.peakMb };
    }
    const seconds = (performance.now() - startedAt) / 1000;
    const { stored } = api.stats();
    if (stored < good) throw new Error(`${name} brought ${stored} of ${good} good records into the API.`);
    return { seconds, ...last, brokenSent: stored - good };
  } finally {
    child.kill();
    await api.close();
  }
}

const pause = (ms: number): Promise<'not yet'> => new Promise((resolve) => setTimeout(() => resolve('not yet'), ms));

export const formatPeers = (figures: readonly PeerFigures[]): string[] =>
  figures.map(
    ({ peer, recordsPerSecond, cpuSecondsPer100k, peakMb, brokenSent }) =>
      `  ${peer.padEnd(28)} ${String(recordsPerSecond).padStart(7)}/s  ${cpuSecondsPer100k.toFixed(1).padStart(5)} CPU-s for 100,000` +
      `  ${String(peakMb).padStart(4)} MB  ${brokenSent} broken rows sent`,
  );

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [records = '100000', rounds = '3'] = process.argv.slice(2);
  console.log(formatPeers(await measurePeers(Number(records), Number(rounds))).join('\n'));
}
