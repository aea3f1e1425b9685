import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';
import { LocalCloudError } from './local-cloud-error.ts';
import { tailOfFile } from './tail-of-file.ts';

export interface VenvOptions {
  /** Contains one environment per version of the requirements. */
  dir: string;
  requirements: string;
  python: string;
  /** What is installed, for messages. */
  name: string;
  onProgress: (message: string) => void;
  signal?: AbortSignal | undefined;
}

/** Enough for a slow connection; a mirror that hangs must not block us forever. */
const installMs = 10 * 60_000;

/**
 * Where to install: once for the whole checkout, or next to the endpoint if the checkout is read-only.
 * @param own the checkout's folder for it
 */
export function chooseVenvDir(own: string, stateDir: string, requirements: string): string {
  if (findVenv({ dir: own, requirements })) return own;
  try {
    mkdirSync(own, { recursive: true });
    accessSync(own, constants.W_OK);
    return own;
  } catch {
    return join(stateDir, 'venv');
  }
}

/** @returns the environment's interpreter, or null if there is none for these requirements */
export function findVenv({ dir, requirements }: Pick<VenvOptions, 'dir' | 'requirements'>): string | null {
  const python = join(venvPath(dir, requirements), 'bin', 'python');
  // Follows the link: if the interpreter has been removed from the machine, the environment does not count.
  return existsSync(python) ? python : null;
}

/**
 * Created under another name and renamed when complete, so an existing environment is always complete: an interrupted
 * creation leaves only a draft, and of two concurrent creators the later one discards its own.
 * @returns the environment's interpreter
 * @throws LocalCloudError if it can't be created
 */
export async function ensureVenv(options: VenvOptions): Promise<string> {
  const { dir, requirements, python, name, onProgress, signal } = options;
  const made = findVenv(options);
  if (made) return made;
  mkdirSync(dir, { recursive: true });
  const path = venvPath(dir, requirements);
  // Named by process, to identify abandoned ones, and at random, since one process may create two at once.
  const own = `${process.pid}.${Math.random().toString(36).slice(2)}`;
  const draft = `${path}.${own}.draft`;
  const log = join(dir, `install.${own}.log`);
  onProgress(`Installing ${name} (once; about half a minute)`);
  try {
    await runLogged(python, ['-m', 'venv', draft], log, signal);
    const pip = ['-m', 'pip', 'install', '--disable-pip-version-check', '--no-input', '--quiet', '--require-hashes'];
    await runLogged(join(draft, 'bin', 'python'), [...pip, '-r', requirements], log, signal);
    // Its interpreter is missing: the one it was linked to is gone, so nothing can be using it.
    if (!findVenv(options)) rmSync(path, { recursive: true, force: true });
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    signal?.throwIfAborted();
    const other = findVenv(options);
    if (!other) {
      throw new LocalCloudError(
        `${name} could not be installed from PyPI; check the network and pip's settings (PIP_INDEX_URL, HTTPS_PROXY).\n` +
          tailOfFile(log, 15),
        { cause: error },
      );
    }
  }
  rmSync(log, { force: true });
  return join(path, 'bin', 'python');
}

function venvPath(dir: string, requirements: string): string {
  return join(dir, createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 16));
}

/** Removes drafts of creators that were killed. A reused process number only keeps one until next time. */
export function removeAbandonedDrafts(dir: string): void {
  if (!existsSync(dir)) return;
  for (const name of readdirSync(dir)) {
    const pid = /\.(\d+)\.\w+\.(draft|log)$/.exec(name)?.[1];
    if (pid && !exists(Number(pid))) rmSync(join(dir, name), { recursive: true, force: true });
  }
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function runLogged(command: string, args: string[], log: string, signal?: AbortSignal): Promise<void> {
  const output = openSync(log, 'a');
  try {
    await new Promise<void>((resolve, reject) => {
      const child = spawn(command, args, {
        stdio: ['ignore', output, output],
        timeout: installMs,
        ...(signal ? { signal } : {}),
      });
      child.once('error', reject);
      child.once('exit', (code, killedBy) => {
        if (code === 0) resolve();
        else reject(new Error(`${command} ${args.join(' ')} ended with ${code ?? killedBy ?? 'nothing'}`));
      });
    });
  } finally {
    closeSync(output);
  }
}
