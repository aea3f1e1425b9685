import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import type { Socket } from 'node:net';
import type { ProcessIdentity } from '../../localstack/process-identity.ts';
import { identifyProcess, killGroup, signalGroup } from '../../localstack/process-identity.ts';

export interface BoundProcess {
  /** Null while it runs, else how it ended. */
  ended: () => string | null;
  stop: () => Promise<void>;
}

/**
 * Ends its process group when the program ends, or when stdin does: the starter holds the other end of that pipe, so a
 * starter that is killed leaves nothing behind.
 */
const bound = '("$@" < /dev/null; kill -KILL 0) & cat > /dev/null; kill -KILL 0';

/** Runs a program that ends with this process, however that ends. Its output goes to `log`. */
export function runBound(command: string, args: string[], { cwd, log }: { cwd: string; log: string }): BoundProcess {
  const output = openSync(log, 'a');
  const child = spawn('/bin/sh', ['-c', bound, 'sh', command, ...args], {
    cwd,
    detached: true,
    stdio: ['pipe', output, output],
  });
  closeSync(output);
  child.unref();
  (child.stdin as Socket | null)?.unref();
  const identity: ProcessIdentity | null = child.pid === undefined ? null : identifyProcess(child.pid);
  const end = () => {
    if (identity) signalGroup(identity.pid);
  };
  process.once('exit', end);
  let ended: string | null = null;
  child.once('error', (error) => (ended = error.message));
  child.once('exit', (code, killedBy) => {
    ended = `it ended with ${code ?? killedBy ?? 'nothing'}`;
    process.removeListener('exit', end);
  });
  return {
    ended: () => ended,
    stop: async () => {
      if (identity) await killGroup(identity, cwd);
    },
  };
}
