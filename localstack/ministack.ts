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
  /** `process`: ends with the process that starts it, however that ends; `detached`: runs until it is torn down. */
  lifetime: 'detached' | 'process';
  /** Further variables for MiniStack and the functions it runs. */
  variables: Record<string, string>;
  signal?: AbortSignal | undefined;
}

/**
 * A start takes two seconds on an idle machine, and many times that at the first start (bytecode not yet compiled) or on
 * busy cores.
 */
const healthyWithinMs = 90_000;

export const endpointLog = (stateDir: string): string => join(stateDir, 'endpoint.log');

/** @returns the endpoint's address, once it answers; the process is recorded from the moment it exists */
export async function startMiniStack(options: MiniStackOptions): Promise<string> {
  const attempts = options.port === undefined ? 3 : 1;
  for (let attempt = 1; ; attempt++) {
    const port = await choosePort(options.port);
    const started = await tryStart(options, port);
    if (typeof started === 'string') return started;
    // Another process may have taken the free port since it was chosen.
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
    // If our own process is gone, another process answers there.
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

/** Starts it in its own process group, which the Lambdas' workers join: one signal ends them all. */
function spawnMiniStack({ python, stateDir, lifetime, variables }: MiniStackOptions, port: number): ChildProcess {
  // Remains of an earlier process: its memory is gone, so these files are useless.
  for (const name of ['tmp', 's3', 'state']) rmSync(join(stateDir, name), { recursive: true, force: true });
  mkdirSync(join(stateDir, 'tmp'), { recursive: true });
  // MiniStack puts its CommonJS worker there: with the repository's own package.json, Node would treat it as an ES module.
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
    // The pipe must not keep the starting process alive, and the end of that process must be noticed at once, not when the
    // pipe breaks.
    (child.stdin as Socket | null)?.unref();
    const end = () => signalGroup(pid);
    process.once('exit', end);
    child.once('exit', () => process.removeListener('exit', end));
  }
  return child;
}

/**
 * Set explicitly, not inherited: MiniStack passes its environment to every function, where the user's AWS_PROFILE,
 * NODE_OPTIONS or AWS_ENDPOINT_URL would do harm.
 */
function miniStackEnvironment(stateDir: string, port: number): Record<string, string> {
  return {
    // The functions use the first `node` on the PATH: put the one that runs us first, since preflight has checked its
    // version.
    PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? '/usr/bin:/bin'}`,
    HOME: process.env['HOME'] ?? stateDir,
    LANG: 'C.UTF-8',
    // As on Lambda.
    TZ: 'UTC',
    // Workers' code is unpacked here; the path also identifies an orphaned worker as ours.
    TMPDIR: join(stateDir, 'tmp'),
    PYTHONUNBUFFERED: '1',
    BIND_HOST: '127.0.0.1',
    GATEWAY_PORT: String(port),
    // Used in queue URLs, which the SDK uses as the endpoint: `localhost` may resolve to ::1 first, where nothing listens.
    MINISTACK_HOST: '127.0.0.1',
    S3_DATA_DIR: join(stateDir, 's3'),
    STATE_DIR: join(stateDir, 'state'),
    // These unneeded listeners have fixed ports, which would conflict with a second endpoint on the machine.
    SFTP_ENABLED: '0',
    IOT_MTLS_ENABLED: '0',
    LOG_LEVEL: 'INFO',
  };
}
