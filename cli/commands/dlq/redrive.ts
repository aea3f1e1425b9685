import { Command, Option } from 'commander';
import { CliError } from '../../cli-error.ts';
import type { DlqName } from '../../dlq/dead-message.ts';
import type { Amendment } from '../../dlq/await-amendment.ts';
import { progressOf } from '../../dlq/follow-redrive.ts';
import type { RedriveEnd } from '../../dlq/redrive-letters.ts';
import { redrivePortsOf, redriveToEnd } from '../../dlq/redrive-ports.ts';
import type { FailedAlike } from '../../dlq/redrive-outlook.ts';
import { describeOutlook, redriveQuestion } from '../../dlq/redrive-outlook.ts';
import { redriveWork } from '../../dlq/redrive-work.ts';
import { countFailedAlike } from '../../dlq/select-dead.ts';
import type { Selection } from '../../dlq/select-dead.ts';
import { exitCodes } from '../../exit-codes.ts';
import { InterruptedError, interruptible } from '../../interrupt.ts';
import { describeRedrive, formatRedrive } from '../../show/redrive-result.ts';
import type { OpenStack } from '../../stack/open-stack.ts';
import { openStack } from '../../stack/open-stack.ts';
import { confirm } from '../../terminal/confirm.ts';
import { formatCountOf } from '../../terminal/format.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import type { GlobalOptions } from '../command-options.ts';
import { examples, feedOption, jsonOption, requireFeed, selectionOf } from '../command-options.ts';
import { sluice } from '../../terminal/sluice-command.ts';

interface RedriveOptions extends GlobalOptions {
  feed: string;
  file?: string;
  reason?: string;
  queue: DlqName;
  yes?: boolean;
  json?: boolean;
}

export function redriveCommand(terminal: Terminal): Command {
  return new Command('redrive')
    .description('Retry dead letters, all of them or a selection, and follow them until each has a result.')
    .addOption(feedOption('the feed whose dead letters are meant').makeOptionMandatory())
    .option('--file <id>', 'only those of this file')
    .option('--reason <reason>', 'only those whose last failure has this reason')
    .addOption(
      new Option(
        '--queue <kind>',
        'the queue whose DLQ is meant: failed records (letters), or messages that killed their functions',
      )
        .choices(['letters', 'records', 'intake', 'finalize'])
        .default('letters'),
    )
    .option('--yes', 'do not ask about letters that will fail again')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      exitCodesHelp +
        examples(
          'dlq redrive --feed traffic',
          'dlq redrive --feed traffic --file 7c28 --reason http_503',
          'dlq redrive --feed traffic --queue records --json',
        ),
    )
    .action(async (_options, command: Command) => {
      const options = command.optsWithGlobals<RedriveOptions>();
      process.exitCode = await interruptible((signal) => redrive(options, terminal, signal));
    });
}

async function redrive(options: RedriveOptions, terminal: Terminal, signal: AbortSignal): Promise<number> {
  requireFeed(options.feed);
  if (options.queue !== 'letters' && options.reason !== undefined) {
    throw new CliError('Only letters have reasons: leave out --reason, or --queue.');
  }
  const stack = await openStack(options.stack, process.env);
  const selection = await selectionOf(options, stack);
  return options.queue === 'letters'
    ? redriveFailedRecords(stack, selection, options, terminal, signal)
    : redriveFailedWork(stack, selection, options, terminal, signal);
}

async function redriveFailedRecords(
  stack: OpenStack,
  selection: Selection,
  options: RedriveOptions,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  await announce(await countFailedAlike(selection, stack.ledger), options, terminal, signal);
  const { end, amendments } = await redriveToEnd(stack, selection, terminal, signal);
  terminal.endProgress();
  if (signal.aborted) throw new InterruptedError(interruptedSentence(end, options));
  await tell(end, amendments, options, terminal);
  const failed = [...end.counts.failed.values()].reduce((sum, count) => sum + count, 0);
  return failed + end.untried > 0 ? exitCodes.deadLetters : exitCodes.clean;
}

/**
 * Says which letters can succeed. On a terminal it asks first, if some will fail again.
 * @throws InterruptedError if the answer is no
 */
async function announce(
  groups: readonly FailedAlike[],
  { yes = false }: RedriveOptions,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<void> {
  for (const sentence of describeOutlook(groups)) terminal.note(sentence);
  const question = redriveQuestion(groups);
  const canAsk = process.stdin.isTTY && process.stderr.isTTY;
  if (question === undefined || yes || !canAsk) return;
  if (!(await confirm(question, signal))) throw new InterruptedError('Nothing was moved.');
}

async function tell(
  end: RedriveEnd,
  amendments: readonly Amendment[],
  options: RedriveOptions,
  terminal: Terminal,
): Promise<void> {
  if (options.json) return terminal.printJson(describeRedrive(end, amendments));
  await terminal.print(formatRedrive(end, amendments, options.feed));
}

/** What continues after the command has ended. */
function interruptedSentence(end: RedriveEnd, { feed }: RedriveOptions): string {
  return (
    `Interrupted, and nothing is lost: ${progressOf(end.counts, end.moved + end.remade)}. Letters that were moved are tried ` +
    `without this command, and the account is amended; the others stay in the DLQ. ` +
    `\`${sluice} dlq list --feed ${feed}\` shows what is left.`
  );
}

async function redriveFailedWork(
  stack: OpenStack,
  selection: Selection,
  options: RedriveOptions,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  const { queue, feed } = options;
  const ports = redrivePortsOf(stack, feed, queue, terminal);
  const { moved, left, movedBy } = await redriveWork(selection, ports, signal);
  terminal.endProgress();
  if (signal.aborted) {
    throw new InterruptedError(
      `Interrupted, and nothing is lost: ${formatCountOf(moved, 'message')} moved back, the others stay in the DLQ.`,
    );
  }
  if (options.json) await terminal.printJson({ queue, moved_messages: moved, left_messages: left, moved_by: movedBy });
  else await terminal.print(`${formatCountOf(moved, 'message')} moved back to the ${queue} queue.\n${nextStep[queue]}`);
  if (moved === 0) terminal.note(`The DLQ of the ${queue} queue has no such message of ${feed}.`);
  return exitCodes.clean;
}

const nextStep: Record<DlqName, string> = {
  letters: '',
  records:
    'A batch that was accounted for continues as letters, one for each record that is still dead; any other batch is ' +
    `delivered unchanged. \`${sluice} dlq list\` shows what is left.\n`,
  intake: `\`${sluice} status\` shows how far the files are.\n`,
  finalize: `\`${sluice} status\` shows whether the files are closed.\n`,
};

const exitCodesHelp = `
Exit codes: 0 every selected letter succeeded, or there was none; 2 some failed again or could not be tried;
130 interrupted: letters that were moved by then are still tried.
`;
