import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { LocalCloudError } from './local-cloud-error.ts';
import { identifyProcess, isRunning } from './process-identity.ts';

const holderSchema = z.object({ pid: z.int(), startedAt: z.string() });

/**
 * Runs `work` while holding a lock directory that names its holder; takes over a lock whose holder is dead.
 * @throws LocalCloudError when another living process still holds it after `waitMs`
 */
export async function holdLock<T>(path: string, waitMs: number, work: () => Promise<T>): Promise<T> {
  const giveUpAt = Date.now() + waitMs;
  while (!tryLock(path)) {
    if (Date.now() > giveUpAt) {
      const pid = readHolder(path)?.pid;
      throw new LocalCloudError(`Process ${pid ?? '(unknown)'} has held ${path} for too long; end it and try again.`);
    }
    await delay(100);
  }
  try {
    return await work();
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
}

/** The directory is prepared under another name and renamed, so it never exists without its holder's name. */
function tryLock(path: string): boolean {
  mkdirSync(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  mkdirSync(draft);
  writeFileSync(join(draft, 'holder.json'), JSON.stringify(identifyProcess(process.pid)));
  try {
    renameSync(draft, path);
    return true;
  } catch {
    rmSync(draft, { recursive: true, force: true });
    breakStaleLock(path);
    return false;
  }
}

/**
 * The lock is moved aside, checked again and then removed: two processes may see the same dead holder, and one may be late.
 */
function breakStaleLock(path: string): void {
  const holder = readHolder(path);
  if (!holder || isRunning(holder)) return;
  const aside = `${path}.stale.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch {
    return;
  }
  const moved = readHolder(aside);
  if (moved && isRunning(moved)) renameSync(aside, path);
  else rmSync(aside, { recursive: true, force: true });
}

function readHolder(path: string): z.infer<typeof holderSchema> | null {
  try {
    return holderSchema.parse(JSON.parse(readFileSync(join(path, 'holder.json'), 'utf8')));
  } catch {
    return null;
  }
}
