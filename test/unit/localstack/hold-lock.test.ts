import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { holdLock } from '../../../localstack/hold-lock.ts';

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sluice-lock-'));
  path = join(dir, 'lock');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe('a lock', () => {
  it('is held by one process at a time', async () => {
    let inside = 0;
    let most = 0;
    const work = async () => {
      most = Math.max(most, ++inside);
      await new Promise(setImmediate);
      inside--;
    };
    await Promise.all([1, 2, 3, 4].map(() => holdLock(path, 10_000, work)));
    expect(most).toBe(1);
  });

  it('is released when the work fails', async () => {
    await expect(holdLock(path, 1_000, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(existsSync(path)).toBe(false);
  });

  it('is taken over from a holder that is dead', async () => {
    const ended = spawn(process.execPath, ['-e', '']);
    await once(ended, 'exit');
    mkdirSync(path);
    writeFileSync(join(path, 'holder.json'), JSON.stringify({ pid: ended.pid, startedAt: 'then' }));
    expect(await holdLock(path, 5_000, () => Promise.resolve('mine'))).toBe('mine');
  });

  it('names the living process that holds it too long', async () => {
    const held = Promise.withResolvers<undefined>();
    const holding = holdLock(path, 1_000, () => held.promise);
    await expect(holdLock(path, 150, () => Promise.resolve())).rejects.toThrow(`Process ${process.pid} has held`);
    held.resolve(undefined);
    await holding;
  });
});
