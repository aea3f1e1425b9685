import { exitCodes } from '../exit-codes.ts';
import { InterruptedError, interruptible } from '../interrupt.ts';
import { explainFault } from '../stack/explain-fault.ts';
import { stateDirOf } from '../stack/state-dir.ts';
import { Terminal } from '../terminal/terminal.ts';
import { runDemo } from './run-demo.ts';

/** `npm run demo` */
export async function main(): Promise<void> {
  const terminal = new Terminal(process.stdout, process.stderr);
  try {
    const stateDir = stateDirOf(process.env);
    const held = await interruptible((signal) => runDemo({ terminal, stateDir, env: process.env, signal }));
    process.exitCode = held ? exitCodes.clean : exitCodes.failed;
  } catch (error) {
    terminal.endProgress();
    const interrupted = error instanceof InterruptedError;
    terminal.note(interrupted ? error.message : `${terminal.styleNote('red', 'demo:')} ${explainFault(error)}`);
    if (process.argv.includes('--debug')) terminal.note(error instanceof Error ? (error.stack ?? '') : String(error));
    process.exitCode = interrupted ? exitCodes.interrupted : exitCodes.failed;
  }
}
