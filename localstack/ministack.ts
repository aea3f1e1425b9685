import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { awaitHealth } from './endpoint-health.ts';
import { removeEndpointRecord, writeEndpointRecord } from './endpoint-record.ts';
import { LocalCloudError } from './local-cloud-error.ts';
import { choosePort } from './probe-machine.ts';
import { identifyProcess, killGroup, signalGroup } from './process-identity.ts';
import { tailOfFile } from './tail-of-file.ts';

export interface MiniStackOptions {
  python: string;
  port: number | undefined;
  stateDir: string;
  /** `process`: ends with the process that starts it, however that ends; `detached`: stays until it is torn down. */
  lifetime: 'detached' | 'process';
  /** Further variables for MiniStack and the functions it runs. */
  variables: Record<string, string>;
  signal?: AbortSignal | undefined;
}

/** Two seconds on an idle machine, the first time (bytecode not yet compiled) and on busy cores many times that. */
const healthyWithinMs = 90_000;

export const endpointLog = (stateDir: string): string => join(stateDir, 'endpoint.log');

/** @returns the endpoint's address, once it answers; the process is on record from the moment it exists */
export async function startMiniStack(options: MiniStackOptions): Promise<string> {
  const attempts = options.port === undefined ? 3 : 1;
  for (let attempt = 1; ; attempt++) {
    const port = await choosePort(options.port);
    const started = await tryStart(options, port);
    if (typeof started === 'string') return started;
    // Somebody may have taken the free port between its choice and its use.
    if (attempt < attempts && started.portLost) continue;
    throw started.error;
  }
}

async function tryStart(
  options: MiniStackOptions,
  port: number,
): Promise<string | { portLost: boolean; error: LocalCloudError }> {
  const { stateDir, signal } = options;
  const log = endpointLog(stateDir);
  const url = `${options.variables['USE_SSL'] === '1' ? 'https' : 'http'}://127.0.0.1:${port}`;
  const child = spawnMiniStack(options, port);
  const identity = child.pid === undefined ? null : identifyProcess(child.pid);
  let ended: string | null = null;
  child.once('error', (error) => (ended = error.message));
  child.once('exit', (code, killedBy) => (ended = `it ended with ${code ?? killedBy ?? 'nothing'}`));
  if (identity) writeEndpointRecord(stateDir, { kind: 'ministack', url, port, process: identity });
  try {
    const fault = await awaitHealth(url, Date.now() + healthyWithinMs, () => ended !== null, signal);
    // Whoever answers there while our own process is gone is somebody else.
    if (fault === null && ended === null) return url;
    throw new LocalCloudError(
      `MiniStack did not start on port ${port} (${ended ?? fault ?? 'no answer'}). The end of ${log}:\n${tailOfFile(log, 15)}`,
    );
  } catch (error) {
    if (identity) await killGroup(identity, stateDir);
    removeEndpointRecord(stateDir);
    if (!(error instanceof LocalCloudError)) throw error;
    return { portLost: /already in use/.test(tailOfFile(log, 15)), error };
  }
}

/** In a process group of its own, which the Lambdas' workers join: one signal ends them all. */
function spawnMiniStack({ python, stateDir, lifetime, variables }: MiniStackOptions, port: number): ChildProcess {
  // What an earlier one left: everything it held in memory is gone, so these files belong to nothing.
  for (const name of ['tmp', 's3', 'state']) rmSync(join(stateDir, name), { recursive: true, force: true });
  mkdirSync(join(stateDir, 'tmp'), { recursive: true });
  // MiniStack puts its CommonJS worker there: the repository's own package.json would have Node take it for a module.
  writeFileSync(join(stateDir, 'tmp', 'package.json'), '{ "type": "commonjs" }\n');
  const log = endpointLog(stateDir);
  if (existsSync(log)) renameSync(log, join(stateDir, 'endpoint.previous.log'));
  const output = openSync(log, 'a');
  const bound = lifetime === 'process';
  const child = spawn(python, [join(import.meta.dirname, 'launch-ministack.py')], {
    cwd: stateDir,
    detached: true,
    stdio: [bound ? 'pipe' : 'ignore', output, output],
    env: { ...miniStackEnvironment(stateDir, port), ...variables, ...(bound ? { SLUICE_ENDPOINT_LIFELINE: '1' } : {}) },
  });
  closeSync(output);
  child.unref();
  const { pid } = child;
  if (bound && pid !== undefined) {
    // The pipe must not keep the starter alive, and its end must be felt at once rather than when the pipe breaks.
    (child.stdin as Socket | null)?.unref();
    const end = () => signalGroup(pid);
    process.once('exit', end);
    child.once('exit', () => process.removeListener('exit', end));
  }
  return child;
}

/**
 * Chosen, not inherited: MiniStack hands its environment to every function, where an AWS_PROFILE, a NODE_OPTIONS or
 * an AWS_ENDPOINT_URL of the person at the terminal would do harm.
 */
function miniStackEnvironment(stateDir: string, port: number): Record<string, string> {
  return {
    // `node` for the functions is the first on the PATH: the one that runs us, which preflight found new enough.
    PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? '/usr/bin:/bin'}`,
    HOME: process.env['HOME'] ?? stateDir,
    LANG: 'C.UTF-8',
    // As on Lambda.
    TZ: 'UTC',
    // Workers' code is unpacked here; also what tells an orphaned worker as ours.
    TMPDIR: join(stateDir, 'tmp'),
    PYTHONUNBUFFERED: '1',
    BIND_HOST: '127.0.0.1',
    GATEWAY_PORT: String(port),
    // In queue URLs, which the SDK takes for the endpoint: `localhost` may be ::1 first, where nothing listens.
    MINISTACK_HOST: '127.0.0.1',
    S3_DATA_DIR: join(stateDir, 's3'),
    STATE_DIR: join(stateDir, 'state'),
    // Listeners on fixed ports that nobody needs, and that a second endpoint on the machine would trip over.
    SFTP_ENABLED: '0',
    IOT_MTLS_ENABLED: '0',
    LOG_LEVEL: 'INFO',
  };
}
