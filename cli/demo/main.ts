import { join } from 'node:path';
import { holdLock } from '../../localstack/hold-lock.ts';
import { CliError } from '../cli-error.ts';
import { exitCodes } from '../exit-codes.ts';
import { InterruptedError, interruptible } from '../interrupt.ts';
import { explainFault } from '../stack/explain-fault.ts';
import { stateDirOf } from '../stack/state-dir.ts';
import { Terminal } from '../terminal/terminal.ts';
import { runDemo } from './run-demo.ts';
import type { DemoRun } from './with-own-cloud.ts';

/** Runs `npm run demo` and `npm run demo:maintenance`. */
export async function main(run: (demo: DemoRun) => Promise<boolean> = runDemo): Promise<void> {
  const terminal = new Terminal(process.stdout, process.stderr);
  try {
    const stateDir = stateDirOf(process.env);
    const held = await interruptible((signal) =>
      alone(stateDir, () => run({ terminal, stateDir, env: process.env, signal })),
    );
    process.exitCode = held ? exitCodes.clean : exitCodes.failed;
  } catch (error) {
    terminal.endProgress();
    const interrupted = error instanceof InterruptedError;
    terminal.note(interrupted ? error.message : `${terminal.styleNote('red', 'demo:')} ${explainFault(error)}`);
    if (process.argv.includes('--debug')) terminal.note(error instanceof Error ? (error.stack ?? '') : String(error));
    process.exitCode = interrupted ? exitCodes.interrupted : exitCodes.failed;
  }
}

/** The first try breaks the lock of a demo that was killed; the second one takes it. Milliseconds. */
const lockWaitMs = 500;

/** A second demo would start by removing the first one's local cloud. @throws CliError if one is running */
async function alone<T>(stateDir: string, work: () => Promise<T>): Promise<T> {
  let entered = false;
  try {
    return await holdLock(join(stateDir, 'demo.lock'), lockWaitMs, () => {
      entered = true;
      return work();
    });
  } catch (error) {
    if (entered) throw error;
    throw new CliError('Another demo is running in this folder; wait until it is done.', { cause: error });
  }
}
