import { Command, CommanderError, Option } from 'commander';
import packageJson from '../package.json' with { type: 'json' };
import { cancelCommand } from './commands/cancel.ts';
import { changesCommand } from './commands/changes.ts';
import { checkCommand } from './commands/check.ts';
import { completionCommand } from './commands/completion.ts';
import { dlqCommand } from './commands/dlq.ts';
import { downCommand } from './commands/down.ts';
import { dropCommand } from './commands/drop.ts';
import { envCommand } from './commands/env.ts';
import { evidenceCommand } from './commands/evidence.ts';
import { fakeApiCommand } from './commands/fake-api.ts';
import { limitCommand } from './commands/limit.ts';
import { manifestCommand } from './commands/manifest.ts';
import { nightCommand } from './commands/night.ts';
import { nightsCommand } from './commands/nights.ts';
import { pauseCommand } from './commands/pause.ts';
import { proveCommand } from './commands/prove.ts';
import { receiptsCommand } from './commands/receipts.ts';
import { reportCommand } from './commands/report.ts';
import { recordsCommand } from './commands/records.ts';
import { releaseCommand } from './commands/release.ts';
import { resumeCommand } from './commands/resume.ts';
import { statusCommand } from './commands/status.ts';
import { uiCommand } from './commands/ui.ts';
import { upCommand } from './commands/up.ts';
import { verifyCommand } from './commands/verify.ts';
import { watchCommand } from './commands/watch.ts';
import type { GlobalOptions } from './commands/command-options.ts';
import { exitCodes } from './exit-codes.ts';
import { InterruptedError } from './interrupt.ts';
import { explainFault } from './stack/explain-fault.ts';
import { Terminal } from './terminal/terminal.ts';

/** The command line. Each command has its own file in commands/. */
export async function main(argv: readonly string[]): Promise<void> {
  const terminal = new Terminal(process.stdout, process.stderr);
  const program = createProgram(terminal);
  try {
    await program.parseAsync(argv);
  } catch (error) {
    process.exitCode = reportFault(error, terminal, program.opts<{ debug?: boolean }>().debug ?? false);
  }
}

/** The tree of commands, with their options. */
export function createProgram(terminal: Terminal): Command {
  const program = new Command('sluice')
    .description('Uploads files of records to a rate-limited API: each record exactly once, with an account of each.')
    .addOption(
      new Option(
        '--stack <name>',
        'the stack to use: one that `up` deployed here, or one in AWS (default: the only one that is up here)',
      ),
    )
    .option('-q, --quiet', 'print errors only on stderr: no messages, no progress')
    .option('--debug', 'show where an error came from')
    .version(packageJson.version, '-V, --version', 'print the version')
    .hook('preAction', (_, action) => {
      terminal.quiet = action.optsWithGlobals<GlobalOptions>().quiet ?? false;
    })
    .addHelpText('after', helpText);
  const commands = [
    upCommand,
    downCommand,
    checkCommand,
    dropCommand,
    statusCommand,
    watchCommand,
    uiCommand,
    manifestCommand,
    reportCommand,
    receiptsCommand,
    changesCommand,
    recordsCommand,
    proveCommand,
    nightsCommand,
    nightCommand,
    evidenceCommand,
    verifyCommand,
    dlqCommand,
    pauseCommand,
    resumeCommand,
    limitCommand,
    cancelCommand,
    releaseCommand,
    envCommand,
    fakeApiCommand,
    completionCommand,
  ];
  for (const command of commands) program.addCommand(command(terminal));
  return withHouseRules(program, terminal);
}

/** Applied to every command, since commands that are added as objects inherit nothing. Commander would end the process itself. */
function withHouseRules(command: Command, terminal: Terminal): Command {
  command
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ outputError: (text) => terminal.alert(text.trimEnd()) });
  for (const each of command.commands) withHouseRules(each, terminal);
  return command;
}

function reportFault(error: unknown, terminal: Terminal, debug: boolean): number {
  // Commander has already printed it: help was requested, or the command line is wrong.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.clean : exitCodes.failed;
  if (error instanceof InterruptedError) {
    terminal.alert(error.message);
    return exitCodes.interrupted;
  }
  terminal.alert(`${terminal.styleNote('red', 'sluice:')} ${explainFault(error)}`);
  if (debug) terminal.alert(error instanceof Error ? stackOf(error) : String(error));
  return exitCodes.failed;
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${stackOf(error.cause)}` : '';
  return `${error.stack ?? error.message}${cause}`;
}

const helpText = `
Exit codes: 0 done without dead letters, 2 done with dead letters, 1 failed or refused, 130 interrupted. Commands that only
read (status, manifest, receipts, changes, dlq list, dlq show, dlq export) exit with 0 if they succeed.

With --json, stdout has exactly one JSON document (watch: one per poll, each on its own line); everything else goes to
stderr.`;
