import { Command } from 'commander';
import { expectedRecords } from '../../lambdas/core/account/expected-records.ts';
import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import { sumCounts } from '../../lambdas/core/account/outcome.ts';
import { CliError } from '../cli-error.ts';
import { exitCodes } from '../exit-codes.ts';
import { interruptible } from '../interrupt.ts';
import { cancelFile } from '../operate/cancel-file.ts';
import { whoDecides } from '../operate/who.ts';
import { openStack } from '../stack/open-stack.ts';
import { formatCount } from '../terminal/format.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { DecisionOptions } from './command-options.ts';
import { byOption, examples, fileIdArgument, jsonOption } from './command-options.ts';
import { storedFileOfId } from './file-of-id.ts';
import { followStop } from './follow-stop.ts';

interface CancelOptions extends DecisionOptions {
  wait: boolean;
}

export function cancelCommand(terminal: Terminal): Command {
  return new Command('cancel')
    .description('Stop a file that is in progress: records that were not sent yet are held, and `release` sends them.')
    .addArgument(fileIdArgument())
    .requiredOption('--why <text>', 'why it must not be sent; stored for the auditor')
    .addOption(byOption())
    .option('--no-wait', 'do not wait for its account')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nConsumers stop within 30 seconds. Exit codes: 0 it is stopped and its account is closed, 1 it was not stopped.\n' +
        examples("cancel traffic.7c2820ab --why 'the wrong day'", "cancel 7c28 --why 'the wrong day' --no-wait --json"),
    )
    .action(async (fileId: string, _options, command: Command) => {
      const options = command.optsWithGlobals<CancelOptions>();
      process.exitCode = await interruptible((signal) => cancel(fileId, options, terminal, signal));
    });
}

async function cancel(typed: string, options: CancelOptions, terminal: Terminal, signal: AbortSignal): Promise<number> {
  const who = whoDecides(options, 'the reason to stop it');
  const stack = await openStack(options.stack, process.env);
  const { fileId } = await storedFileOfId(stack, typed);
  const end = await cancelFile(fileId, who, stack);
  if (end.kind === 'refused') throw new CliError(end.why);
  terminal.note(`Cancelled: ${progressOf(end.file)}; nothing else of it is sent after 30 seconds at most.`);
  if (options.wait) {
    // The stop is what was asked for: that the account ends in quarantine is no failure of this command.
    await followStop(end.file, options, { stack, terminal }, signal);
  } else if (options.json) await terminal.printJson({ file_id: fileId, cancelled_by: who.by, why: who.why });
  return exitCodes.clean;
}

/** What has ended so far, by the file's item: batches in progress are not in it yet. */
function progressOf(file: FileAccount): string {
  const ended = sumCounts(file.settled) - file.settled.held;
  const expected = expectedRecords(file);
  const all =
    expected === undefined ? '' : ` of ${file.totalRecords === undefined ? 'about ' : ''}${formatCount(expected)}`;
  return `${formatCount(ended)}${all} records had ended by then`;
}
