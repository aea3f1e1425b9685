import { rm } from 'node:fs/promises';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { CheckRequest } from '../check/check-request.ts';
import { checkFile } from '../check/check-file.ts';
import type { CheckReport } from '../check/check-report.ts';
import { isStage, readCheckSettings, stageNames } from '../check/check-settings.ts';
import { createOutput, openCheckedFile, refuseIfThere } from '../check/open-checked-file.ts';
import { CliError } from '../cli-error.ts';
import { exitCodes } from '../exit-codes.ts';
import { interruptible } from '../interrupt.ts';
import { formatCheck } from '../show/check-report.ts';
import { formatBytes, formatShare } from '../terminal/format.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { GlobalOptions } from './command-options.ts';
import { examples, feedOption, jsonOption, requireFeed } from './command-options.ts';

interface CheckOptions extends GlobalOptions {
  feed: string;
  stage: string;
  at?: number;
  rejects?: string;
  json?: boolean;
}

export function checkCommand(terminal: Terminal): Command {
  return new Command('check')
    .description(
      'Check a file offline before it is dropped, with the code of the functions: its format, and what would happen to its records.',
    )
    .argument('<file>', 'the file on this machine; - reads standard input')
    .addOption(feedOption('the feed that the file belongs to').makeOptionMandatory())
    .addOption(stageOption())
    .option('--at <time>', 'when it would be dropped, such as 2026-11-28T02:00:00Z (default: now)', parseTime)
    .option('--rejects <file>', 'write the rejected records to this CSV file; it must not exist yet')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      helpText +
        examples(
          'check WABC_20260105.csv --feed traffic',
          'check export.zip --feed traffic --rejects rejects.csv',
          'check - --feed traffic --json < old.csv | jq .rejected_records',
          'check big.csv --feed traffic --at 2026-01-06T04:00:00-05:00',
        ),
    )
    .action(async (path: string, _options, command: Command) => {
      const options = command.optsWithGlobals<CheckOptions>();
      process.exitCode = await interruptible((signal) => check(path, options, terminal, signal));
    });
}

async function check(path: string, options: CheckOptions, terminal: Terminal, signal: AbortSignal): Promise<number> {
  const { stage, rejects } = options;
  const feed = requireFeed(options.feed);
  if (!isStage(stage)) throw new CliError(`There is no stage '${stage}'. Stages: ${stageNames.join(', ')}.`);
  const settings = readCheckSettings(feed, stage, process.env);
  if (rejects !== undefined) await refuseIfThere(rejects);
  let isWritten = false;
  const openRejects = async (to: string) => {
    const handle = await createOutput(to);
    isWritten = true;
    return handle;
  };
  const file = await openCheckedFile(path, feed, process.stdin, signal);
  try {
    const report = await checkFile(file, {
      ...settings,
      stage,
      startsAtMs: options.at ?? Date.now(),
      openRejects: rejects === undefined ? undefined : () => openRejects(rejects),
      onProgress: (progress) => showProgress(progress, terminal),
      signal,
    });
    terminal.endProgress();
    if (options.json) await terminal.printJson(report);
    else await terminal.print(formatCheck(report, settings.settings.deadline, terminal));
    return exitCodeOf(report);
  } catch (error) {
    // An incomplete list of rejects could be taken for a complete one.
    if (rejects !== undefined && isWritten) await rm(rejects, { force: true });
    throw error;
  } finally {
    await file.close();
  }
}

function showProgress({ what, done, whole }: Parameters<CheckRequest['onProgress']>[0], terminal: Terminal): void {
  const amount = whole > 0 ? `${formatShare(done, whole)} of ${formatBytes(whole)}` : formatBytes(done);
  terminal.progress(what, `${what === 'records' ? 'reading records' : what}  ${amount}`);
}

/** The exit code of `drop --wait` if the API accepted every valid record. */
function exitCodeOf({ state, rejected_records: rejected }: CheckReport): number {
  if (state !== 'completed') return exitCodes.failed;
  return rejected > 0 ? exitCodes.deadLetters : exitCodes.clean;
}

function stageOption(): Option {
  const option = new Option('--stage <name>', 'the stage whose limits apply').default('prod');
  // Not with choices(): another name is refused in a sentence of ours.
  option.argChoices = [...stageNames];
  return option;
}

function parseTime(text: string): number {
  const time = Date.parse(text);
  if (Number.isFinite(time)) return time;
  throw new InvalidArgumentError('It must be a time such as 2026-11-28T02:00:00Z.');
}

const helpText = `
Sends nothing and does not call AWS: the file is read by the functions' own code, with the limits of the stage, which
environment variables override (SLUICE_<FEED>_REQUESTS and others, as for \`up\`). Needs space for a temporary file of 28
bytes per record; standard input is copied into another one.

Exit codes, as drop --wait would return: 0 every record is valid; 2 some would be rejected; 1 the file would be refused or
quarantined, or can't be read.
`;
