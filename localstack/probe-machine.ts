import { execFile } from 'node:child_process';
import { createServer, connect } from 'node:net';
import { promisify } from 'node:util';
import { z } from 'zod';
import { LocalCloudError } from './local-cloud-error.ts';
import type { MachineFound, PortState, PythonFound } from './preflight.ts';
import { checkPort } from './preflight.ts';

const run = promisify(execFile);
const probeMs = 20_000;

/** The plain names first, since the machine's owner chose them; then the newest first. */
const pythonNames = ['python3', 'python', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python3.10'];

const pythonProbe = `
import importlib.util as u, json, sys
print(json.dumps({'version': sys.version_info[:2], 'hasVenv': bool(u.find_spec('venv')), 'hasEnsurepip': bool(u.find_spec('ensurepip'))}))
`;
const answerSchema = z.object({
  version: z.tuple([z.int(), z.int()]),
  hasVenv: z.boolean(),
  hasEnsurepip: z.boolean(),
});

/** Docker is probed only if Python is unsuitable or Docker is requested: a daemon that hangs costs seconds. */
export async function probeMachine(env: NodeJS.ProcessEnv): Promise<MachineFound> {
  const named = env['SLUICE_PYTHON'];
  const pythons: PythonFound[] = [];
  let usable = false;
  for (const command of named ? [named] : pythonNames) {
    const found = await probePython(command);
    if (!found) continue;
    pythons.push(found);
    usable = found.hasVenv && found.hasEnsurepip && (found.version[0] > 3 || found.version[1] >= 10);
    if (usable) break;
  }
  const askDocker = !usable || env['SLUICE_LOCAL_CLOUD'] === 'docker';
  return { pythons, dockerFault: askDocker ? await probeDocker() : 'not installed' };
}

async function probePython(command: string): Promise<PythonFound | null> {
  try {
    const { stdout } = await run(command, ['-c', pythonProbe], { timeout: probeMs });
    return { command, ...answerSchema.parse(JSON.parse(stdout)) };
  } catch {
    return null;
  }
}

async function probeDocker(): Promise<MachineFound['dockerFault']> {
  try {
    await run('docker', ['--version'], { timeout: probeMs });
  } catch {
    return 'not installed';
  }
  try {
    await run('docker', ['compose', 'version'], { timeout: probeMs });
  } catch {
    return 'no compose plugin';
  }
  try {
    await run('docker', ['info'], { timeout: probeMs });
    return null;
  } catch {
    return 'not running';
  }
}

/** Tries to connect before it listens: some systems let two programs listen on one port at different addresses. */
export async function probePort(port: number): Promise<PortState> {
  const answers = await new Promise<boolean>((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('close', () => socket.destroy());
    socket.unref();
  });
  if (answers) return 'taken';
  const listened = await listen(port);
  return typeof listened === 'number' ? 'free' : listened;
}

/** @param asked an error says so if it is not available; undefined: any free port */
export async function choosePort(asked: number | undefined): Promise<number> {
  if (asked === undefined) {
    const port = await listen(0);
    if (typeof port !== 'number') throw new LocalCloudError('There is no free port on 127.0.0.1.');
    return port;
  }
  const fault = checkPort(asked, await probePort(asked));
  if (fault) throw new LocalCloudError(fault);
  return asked;
}

function listen(port: number): Promise<number | Exclude<PortState, 'free'>> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'EACCES' ? 'forbidden' : 'taken'));
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 'taken'));
    });
  });
}
