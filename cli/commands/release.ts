import { Command, Option } from 'commander';
import { withoutChoice } from '../../lambdas/core/series/release-choices.ts';
import { CliError } from '../cli-error.ts';
import { exitCodes } from '../exit-codes.ts';
import { interruptible } from '../interrupt.ts';
import type { WithoutResult } from '../operate/go-without.ts';
import { releaseAsAsked } from '../operate/release-as-asked.ts';
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
  without?: string;
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
    .option(
      '--without <earlier-file-id>',
      'of a revision that waits for an earlier one which does not close: send nothing more of that, and go on; if it is held, beside --changes or --all',
    )
    .option('--no-wait', 'do not follow it')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExit codes are those of `drop --wait`.\n' +
        examples(
          "release traffic.7c2820ab --why 'the station confirmed it'",
          "release traffic.7c2820ab --changes --why 'a new grid, as announced'",
          "release 7c28 --without traffic.0a11 --why 'it hangs, and the day must be ready'",
          "release 7c28 --changes --without 0a11 --why 'confirmed, and the earlier one hangs'",
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
  const without = options.without === undefined ? undefined : (await fileOfId(stack, options.without)).fileId;
  const end = await releaseAsAsked(fileId, { sends, without }, who, stack);
  if (end.kind === 'refused') throw new CliError(end.why);
  if (end.kind === 'released') {
    terminal.note(
      end.withoutControl === undefined
        ? `Released: ${formatCount(end.records)} records are being sent.`
        : `Released: the file is being sent without its control file ${oneLine(end.withoutControl, 100)}.`,
    );
  }
  const gone = end.kind === 'released' ? end.without : end;
  if (gone) terminal.note(withoutText(fileId, gone));
  if (options.wait) return followStop(end.file, options, { stack, terminal }, signal);
  if (options.json) {
    const said = { ...(sends ? { sends } : {}), ...(without ? { without } : {}) };
    await terminal.printJson({ file_id: fileId, released_by: who.by, why: who.why, ...said });
  }
  return exitCodes.clean;
}

/** An earlier revision does not close: the file goes on without it. */
function withoutText(fileId: string, end: WithoutResult): string {
  if (end.kind === 'refused') return end.why;
  const { fileId: earlier } = end.earlier;
  const { sent, then } = withoutChoice(earlier);
  return `Decided${end.repeated ? ' before' : ''}: ${fileId} goes on without ${earlier}. ${sent} ${then}`;
}
