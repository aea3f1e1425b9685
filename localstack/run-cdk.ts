import { spawn } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, resolve } from 'node:path';
import { z } from 'zod';
import { identifyProcess, killGroup, signalGroup } from './process-identity.ts';

export interface CdkRun {
  cwd: string;
  /** File that records the CLI's process while it runs. */
  recordPath: string;
  env: NodeJS.ProcessEnv;
  timeoutMs: number;
  signal?: AbortSignal;
}

const cdkCli = resolve(import.meta.dirname, '../node_modules/aws-cdk/bin/cdk');
const keptLines = 40;

/** Runs the checkout's own CDK CLI to its end; kills it and the app it runs when the time is up or on abort. */
export function runCdk(args: string[], run: CdkRun): Promise<{ fault: string | null; output: string }> {
  const { promise, resolve: settle } = Promise.withResolvers<{ fault: string | null; output: string }>();
  const child = spawn(process.execPath, [cdkCli, ...args, '--no-color', '--no-notices'], {
    cwd: run.cwd,
    // In its own group, since the CLI starts the app in a child process.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...run.env,
      // `node cdk/app.ts` must use this Node: an older one doesn't run TypeScript.
      PATH: `${dirname(process.execPath)}${delimiter}${run.env['PATH'] ?? ''}`,
      CDK_DISABLE_CLI_TELEMETRY: 'true',
      CI: 'true',
    },
  });
  if (child.pid !== undefined) writeFileSync(run.recordPath, JSON.stringify(identifyProcess(child.pid)));
  const tail: string[] = [];
  let fault: string | null = null;
  const kill = (why: string) => {
    fault ??= why;
    if (child.pid !== undefined) signalGroup(child.pid);
  };
  const timer = setTimeout(() => kill(`it took longer than ${Math.round(run.timeoutMs / 1000)} s`), run.timeoutMs);
  const abort = () => kill('it was interrupted');
  const end = () => kill('the process ended');
  process.once('exit', end);
  if (run.signal?.aborted) abort();
  run.signal?.addEventListener('abort', abort, { once: true });
  for (const stream of [child.stdout, child.stderr]) {
    let rest = '';
    stream.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        tail.push(line);
        if (tail.length > keptLines) tail.shift();
      }
    });
  }
  child.once('error', (error) => (fault ??= error.message));
  child.once('close', (code) => {
    clearTimeout(timer);
    rmSync(run.recordPath, { force: true });
    process.removeListener('exit', end);
    run.signal?.removeEventListener('abort', abort);
    if (code !== 0) fault ??= `it ended with ${code ?? 'a signal'}`;
    settle({ fault, output: tail.join('\n').trim() });
  });
  return promise;
}

const recordSchema = z.object({ pid: z.int(), startedAt: z.string() });

/**
 * Ends a CLI that outlived its parent process (SIGKILL): it would continue to deploy, and block its directory for others.
 */
export async function endAbandonedCdk(recordPath: string): Promise<void> {
  try {
    await killGroup(recordSchema.parse(JSON.parse(readFileSync(recordPath, 'utf8'))), cdkCli);
  } catch {
    // No record, or an incomplete one: no CLI is known to be running.
  }
  rmSync(recordPath, { force: true });
}
