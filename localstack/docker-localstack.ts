import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { writeEndpointRecord } from './endpoint-record.ts';
import { LocalCloudError } from './local-cloud-error.ts';
import { endpointLog } from './ministack.ts';
import { choosePort } from './probe-machine.ts';

const run = promisify(execFile);

/** The first start pulls an image of 400 MB. */
const upMs = 10 * 60_000;

/** @returns the endpoint's address, once its health check passes */
export async function startLocalStack(
  stateDir: string,
  askedPort: number | undefined,
  signal?: AbortSignal,
): Promise<string> {
  const port = await choosePort(askedPort);
  const url = `http://127.0.0.1:${port}`;
  mkdirSync(stateDir, { recursive: true });
  // Written before it is up, so that an interrupted start can be torn down.
  writeEndpointRecord(stateDir, { kind: 'docker', url, port, process: null });
  try {
    await compose(stateDir, port, ['up', '--detach', '--wait'], signal);
  } catch (error) {
    await stopLocalStack(stateDir, port).catch(() => undefined);
    signal?.throwIfAborted();
    throw new LocalCloudError(`LocalStack did not start in Docker:\n${(error as Error).message}`, { cause: error });
  }
  return url;
}

export async function stopLocalStack(stateDir: string, port: number): Promise<void> {
  const { stdout } = await compose(stateDir, port, ['logs', '--no-color', '--tail', '2000']);
  appendFileSync(endpointLog(stateDir), stdout);
  await compose(stateDir, port, ['down', '--volumes', '--remove-orphans']);
}

/** One project per state directory, so that two directories don't share a container. */
function compose(stateDir: string, port: number, args: string[], signal?: AbortSignal) {
  const project = `sluice-${createHash('sha256').update(resolve(stateDir)).digest('hex').slice(0, 10)}`;
  const file = join(import.meta.dirname, 'docker-compose.yml');
  return run('docker', ['compose', '--project-name', project, '--file', file, ...args], {
    timeout: upMs,
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, SLUICE_LOCALSTACK_PORT: String(port) },
    ...(signal ? { signal } : {}),
  });
}
