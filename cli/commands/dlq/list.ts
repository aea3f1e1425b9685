import { Command } from 'commander';
import type { DeadEntry } from '../../dlq/group-by-reason.ts';
import { ReasonTally, tallyOf } from '../../dlq/group-by-reason.ts';
import type { ListedRecord } from '../../dlq/list-dead.ts';
import { DlqListing } from '../../dlq/list-dlq.ts';
import { InterruptedError, interruptible } from '../../interrupt.ts';
import { formatDeadList } from '../../show/dlq-list.ts';
import { openStack } from '../../stack/open-stack.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import type { GlobalOptions } from '../command-options.ts';
import { examples, feedOption, jsonOption, requireFeed, selectionOf } from '../command-options.ts';

interface ListOptions extends GlobalOptions {
  feed: string;
  file?: string;
  reason?: string;
  json?: boolean;
}

export function listCommand(terminal: Terminal): Command {
  return new Command('list')
    .description(
      'List the open dead letters by reason, from the ledger, and other messages in the DLQs; with --json an array with one ' +
        'object per record or message. Moves nothing.',
    )
    .addOption(feedOption('the feed whose dead letters are meant').makeOptionMandatory())
    .option('--file <id>', 'only those of this file')
    .option('--reason <reason>', 'only those whose last failure has this reason')
    .addOption(jsonOption())
    .addHelpText('after', examples('dlq list --feed traffic', 'dlq list --feed traffic --file 7c28 --json | jq length'))
    .action(async (_options, command: Command) => list(command.optsWithGlobals<ListOptions>(), terminal));
}

async function list(options: ListOptions, terminal: Terminal): Promise<void> {
  requireFeed(options.feed);
  const stack = await openStack(options.stack, process.env);
  const selection = await selectionOf(options, stack);
  await interruptible(async (signal) => {
    const listing = new DlqListing(stack, selection, terminal, signal);
    if (options.json) return terminal.printJsonItems(entriesOf(listing, signal));
    const records = new ReasonTally();
    let first: ListedRecord | undefined;
    for await (const record of listing.records()) {
      first ??= record;
      records.add(record);
    }
    const messages = tallyOf(await listing.messages());
    throwIfInterrupted(signal);
    const found = { selection, records, first, messages, queued: await listing.queued() };
    await terminal.print(formatDeadList(found, terminal, terminal.columns));
  });
}

async function* entriesOf(listing: DlqListing, signal: AbortSignal): AsyncGenerator<DeadEntry> {
  yield* listing.records();
  throwIfInterrupted(signal);
  yield* await listing.messages();
  throwIfInterrupted(signal);
}

function throwIfInterrupted(signal: AbortSignal): void {
  if (signal.aborted) throw new InterruptedError('Interrupted; the DLQ is unchanged.');
}
