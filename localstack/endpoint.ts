import { mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { startLocalStack, stopLocalStack } from './docker-localstack.ts';
import { checkHealth } from './endpoint-health.ts';
import type { EndpointRecord } from './endpoint-record.ts';
import { readEndpointRecord, removeEndpointRecord } from './endpoint-record.ts';
import { findGivenEndpoint } from './given-endpoint.ts';
import { holdLock } from './hold-lock.ts';
import { LocalCloudError } from './local-cloud-error.ts';
import { startMiniStack } from './ministack.ts';
import type { Choice } from './preflight.ts';
import { chooseCloud } from './preflight.ts';
import { choosePort, probeMachine } from './probe-machine.ts';
import { isRunning, killGroup } from './process-identity.ts';
import { chooseVenvDir, ensureVenv, findVenv, removeAbandonedDrafts } from './python-venv.ts';
import { sluice } from '../cli/terminal/sluice-command.ts';

export interface BringUpOptions {
  /** Undefined: any free port. An error if it is taken. */
  port?: number | undefined;
  /** Directory for the endpoint's record, log and files: one per endpoint. */
  stateDir: string;
  onProgress: (message: string) => void;
  /** `detached` (the default): runs until torn down; `process`: ends with this process, however that ends. */
  lifetime?: 'detached' | 'process';
  /** Further variables for MiniStack and the functions it runs (`AUTH`, `LOG_LEVEL`). */
  variables?: Record<string, string>;
  /** When aborted, whatever was being started is ended, and the signal's reason is thrown. */
  signal?: AbortSignal;
  /** Where MiniStack is installed: once for all state directories of the checkout. */
  venvDir?: string;
  /** Read for AWS_ENDPOINT_URL, SLUICE_LOCAL_CLOUD and SLUICE_PYTHON. */
  env?: NodeJS.ProcessEnv;
}

export interface Endpoint {
  url: string;
  kind: 'given' | 'ministack' | 'docker';
  /** The name by which functions reach servers on this machine: it differs in Docker, which has its own network. */
  hostForFunctions: string;
  /** True if it was running before: its stacks may exist too. */
  reused: boolean;
  /** Ends what was started here; an endpoint from AWS_ENDPOINT_URL is never touched. */
  stop: () => Promise<void>;
}

const repoRoot = resolve(import.meta.dirname, '..');
const requirements = join(import.meta.dirname, 'requirements.txt');
/** This checkout's environment: every endpoint that it starts uses it, unless the checkout is read-only. */
export const checkoutVenvDir = join(repoRoot, '.sluice', 'venv');
/** Longer than a start takes, installation included. */
const lockMs = 12 * 60_000;

/**
 * An endpoint to deploy to: the one in AWS_ENDPOINT_URL; else the one started earlier for this state directory; else
 * MiniStack; else LocalStack in Docker.
 * @throws LocalCloudError with a sentence that says what to do
 */
export async function bringUpEndpoint(options: BringUpOptions): Promise<Endpoint> {
  const { onProgress, env = process.env } = options;
  const stateDir = resolve(options.stateDir);
  const given = await findGivenEndpoint(env);
  if (given) {
    onProgress(`Using the endpoint in AWS_ENDPOINT_URL, ${given}`);
    return { ...describe(given, 'given'), reused: true, stop: () => Promise.resolve() };
  }
  mkdirSync(stateDir, { recursive: true });
  return holdLock(join(stateDir, 'endpoint.lock'), lockMs, async () => {
    const stop = () => tearDownEndpoint(stateDir);
    const running = await findRunning(stateDir);
    if (running) {
      refuseOtherPort(running, options.port);
      onProgress(`The local cloud is already running at ${running.url}`);
      return { ...describe(running.url, running.kind), reused: true, stop };
    }
    // Dead or dying, but its workers may survive.
    await endRecorded(stateDir);
    const started = await start({ ...options, stateDir, env });
    return { ...describe(started.url, started.kind), reused: false, stop };
  });
}

/** Ends the endpoint of a state directory and all its processes; does nothing if there is none. */
export async function tearDownEndpoint(stateDir: string): Promise<void> {
  const dir = resolve(stateDir);
  await endRecorded(dir);
  for (const name of ['tmp', 's3', 'state']) rmSync(join(dir, name), { recursive: true, force: true });
}

async function start(
  options: BringUpOptions & { env: NodeJS.ProcessEnv },
): Promise<{ url: string; kind: 'ministack' | 'docker' }> {
  const { stateDir, port, onProgress, signal, env } = options;
  const venvDir = options.venvDir ?? chooseVenvDir(checkoutVenvDir, stateDir, requirements);
  // Checked before anything slow.
  if (port !== undefined) await choosePort(port);
  removeAbandonedDrafts(venvDir);
  const forced = env['SLUICE_LOCAL_CLOUD'];
  const made = !forced || forced === 'ministack' ? findVenv({ dir: venvDir, requirements }) : null;
  const choice: Choice = made ? { kind: 'ministack', python: made } : chooseCloud(await probeMachine(env), forced);
  switch (choice.kind) {
    case 'none':
      throw new LocalCloudError(choice.sentence);
    case 'docker': {
      onProgress('Starting LocalStack in Docker');
      return { url: await startLocalStack(stateDir, port, signal), kind: 'docker' };
    }
    case 'ministack': {
      const python =
        made ??
        (await ensureVenv({
          dir: venvDir,
          requirements,
          python: choice.python,
          name: 'MiniStack',
          onProgress,
          signal,
        }));
      onProgress('Starting MiniStack');
      const { lifetime = 'detached', variables = {} } = options;
      return { url: await startMiniStack({ python, port, stateDir, lifetime, variables, signal }), kind: 'ministack' };
    }
  }
}

function describe(url: string, kind: Endpoint['kind']): Pick<Endpoint, 'url' | 'kind' | 'hostForFunctions'> {
  return { url, kind, hostForFunctions: kind === 'docker' ? 'host.docker.internal' : '127.0.0.1' };
}

async function findRunning(stateDir: string): Promise<EndpointRecord | null> {
  const record = readEndpointRecord(stateDir);
  if (!record || (record.process && !isRunning(record.process))) return null;
  return (await checkHealth(record.url)) === null ? record : null;
}

function refuseOtherPort(running: EndpointRecord, asked: number | undefined): void {
  if (asked === undefined || asked === running.port) return;
  throw new LocalCloudError(
    `The local cloud is already running on port ${running.port}: leave out --port, or stop it first (\`${sluice} down\`).`,
  );
}

async function endRecorded(stateDir: string): Promise<void> {
  const record = readEndpointRecord(stateDir);
  if (!record) return;
  if (record.process) await killGroup(record.process, stateDir);
  else await stopLocalStack(stateDir, record.port);
  removeEndpointRecord(stateDir);
}
