import { Command } from 'commander';
import { SqsIntakeQueue } from '../../lambdas/adapters/sqs-queues.ts';
import { systemClock } from '../../lambdas/adapters/system-clock.ts';
import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import { CliError } from '../cli-error.ts';
import { followToEnd } from '../drop/follow-to-end.ts';
import { exitCodes } from '../exit-codes.ts';
import { interruptible } from '../interrupt.ts';
import { exitCodeOf } from '../show/exit-code-of.ts';
import { formatManifest, verdictOf } from '../show/manifest-table.ts';
import type { OpenStack } from '../stack/open-stack.ts';
import { openStack } from '../stack/open-stack.ts';
import { flat, formatCount } from '../terminal/format.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { GlobalOptions } from './command-options.ts';
import { examples, fileIdArgument, jsonOption } from './command-options.ts';
import { whoIs } from './dlq/resolve.ts';
import { fileOfId } from './file-of-id.ts';

interface ReleaseOptions extends GlobalOptions {
  why: string;
  by?: string;
  wait: boolean;
  json?: boolean;
}

export function releaseCommand(terminal: Terminal): Command {
  return new Command('release')
    .description('Send the held records of a file in quarantine, and only those, and follow it until it is done.')
    .addArgument(fileIdArgument())
    .requiredOption('--why <text>', 'why it is the right file after all; stored for the auditor')
    .option('--by <who>', 'who decided it (default: your user name on this machine)')
    .option('--no-wait', 'do not follow it')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExit codes are those of `drop --wait`.\n' +
        examples(
          "release traffic.7c2820ab --why 'the station confirmed it'",
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
  const who = { by: whoIs(options.by), why: options.why.trim() };
  if (who.why === '') throw new CliError('State with --why the reason to send it.');
  const stack = await openStack(options.stack, process.env);
  const before = await fileOfId(stack, typed);
  const { fileId } = before;
  const isAgain = before.state === 'split' && before.release !== undefined;
  const file = isAgain ? before : await stack.ledger.releaseQuarantine(fileId, who.by, who.why);
  if (!file) throw new CliError(refusalOf(before));
  // Sent again, in case an earlier release died before sending the message or the message was lost.
  const intake = new SqsIntakeQueue(stack.sqs, intakeQueueUrl(stack, file), systemClock);
  await intake.send({ v: 1, kind: 'reemit', feed: file.feed, fileId }, 0);
  terminal.note(`Released: ${formatCount(file.settled.held + unsentOf(file))} records are being sent.`);
  if (!options.wait) {
    if (options.json) await terminal.printJson({ file_id: fileId, released_by: who.by, why: who.why });
    return exitCodes.clean;
  }
  const { bucket, key, etag } = file.source;
  const dropped = { feed: file.feed, bucket, key, etag, fileId, droppedAtMs: file.createdAt };
  const { text, manifest } = await followToEnd(dropped, stack, terminal, signal);
  if (options.json) {
    terminal.note(flat(verdictOf(manifest)));
    await terminal.print(text);
  } else await terminal.print(formatManifest(manifest, terminal, terminal.columns));
  return exitCodeOf(manifest);
}

function refusalOf(file: FileAccount): string {
  const other = file.checkpoint?.otherHeader;
  if (other && !file.quarantine) return `What is held of ${file.fileId} can't be released. ${other.message}`;
  if (file.release) return `${file.fileId} was released before, by ${file.release.by}: ${file.release.why}`;
  if (file.quarantine) return `${file.fileId} has just been stopped; release it after its manifest is written.`;
  return `${file.fileId} is not in quarantine (it is ${file.state}): there is nothing to release.`;
}

/** Records of batches that were never sent; the counts on the file's item have those that were sent and held. */
function unsentOf({ settled, totalRecords = 0, checkpoint }: FileAccount): number {
  const sendable = checkpoint?.otherHeader?.record ?? totalRecords;
  return Math.max(0, sendable - Object.values(settled).reduce((sum, count) => sum + count, 0));
}

function intakeQueueUrl({ outputs }: OpenStack, file: FileAccount): string {
  const paths = outputs.redrivePaths(file.feed, 'intake');
  const index = file.lane === 'express' ? 1 : 0;
  const url = paths[index]?.queueUrl;
  if (url === undefined) throw new CliError(`The stack does not have a ${file.lane} lane of ${file.feed} (any more).`);
  return url;
}
