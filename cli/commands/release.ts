import { Command, Option } from 'commander';
import { CliError } from '../cli-error.ts';
import { exitCodes } from '../exit-codes.ts';
import { interruptible } from '../interrupt.ts';
import { releaseFile } from '../operate/release-file.ts';
import { whoDecides } from '../operate/who.ts';
import { openStack } from '../stack/open-stack.ts';
import { formatCount, oneLine } from '../terminal/format.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { DecisionOptions } from './command-options.ts';
import { byOption, examples, fileIdArgument, jsonOption } from './command-options.ts';
import { fileOfId } from './file-of-id.ts';
import { followStop } from './follow-stop.ts';

interface ReleaseOptions extends DecisionOptions {
  changes?: true;
  all?: true;
  wait: boolean;
}

export function releaseCommand(terminal: Terminal): Command {
  return new Command('release')
    .description(
      'Send the held records of a file that is stopped, and only those, or a file that waits for its control file, without it; follow it until it is done.',
    )
    .addArgument(fileIdArgument())
    .requiredOption('--why <text>', 'why it is the right file after all; stored for the auditor')
    .addOption(byOption())
    .addOption(new Option('--changes', 'of a revision: send only what differs from what the API has').conflicts('all'))
    .option('--all', 'of a revision: send every record, also those that the API has')
    .option('--no-wait', 'do not follow it')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExit codes are those of `drop --wait`.\n' +
        examples(
          "release traffic.7c2820ab --why 'the station confirmed it'",
          "release traffic.7c2820ab --changes --why 'a new grid, as announced'",
          "release 7c28 --why 'as agreed' --no-wait --json",
        ),
    )
    .action(async (fileId: string, _options, command: Command) => {
      const options = command.optsWithGlobals<ReleaseOptions>();
      process.exitCode = await interruptible((signal) => release(fileId, options, terminal, signal));
    });
}

async function release(
  typed: string,
  options: ReleaseOptions,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  const who = whoDecides(options, 'the reason to send it');
  const stack = await openStack(options.stack, process.env);
  const { fileId } = await fileOfId(stack, typed);
  const sends = options.changes ? 'changes' : options.all ? 'all' : undefined;
  const end = await releaseFile(fileId, who, stack, sends);
  if (end.kind === 'refused') throw new CliError(end.why);
  terminal.note(
    end.withoutControl === undefined
      ? `Released: ${formatCount(end.records)} records are being sent.`
      : `Released: the file is being sent without its control file ${oneLine(end.withoutControl, 100)}.`,
  );
  if (options.wait) return followStop(end.file, options, { stack, terminal }, signal);
  if (options.json) {
    await terminal.printJson({ file_id: fileId, released_by: who.by, why: who.why, ...(sends ? { sends } : {}) });
  }
  return exitCodes.clean;
}
