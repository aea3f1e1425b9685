import { Command } from 'commander';
import { readDlqs } from '../dlq/read-dlqs.ts';
import { InterruptedError, interruptible } from '../interrupt.ts';
import { formatDeadMessages } from '../show/dlq-table.ts';
import { openStack } from '../stack/open-stack.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { GlobalOptions } from './command-options.ts';
import { jsonOption, requireFeed } from './command-options.ts';

interface DlqOptions extends GlobalOptions {
  feed: string;
  json?: boolean;
}

export function dlqCommand(terminal: Terminal): Command {
  const list = new Command('list')
    .description('List what is in the DLQ, by reason; with --json an array, an object a record. Nothing is moved.')
    .requiredOption('--feed <name>', 'whose DLQ')
    .addOption(jsonOption())
    .action(async (_options, command: Command) => listDlq(command.optsWithGlobals<DlqOptions>(), terminal));
  return new Command('dlq').description('Dead letters.').addCommand(list);
}

async function listDlq(options: DlqOptions, terminal: Terminal): Promise<void> {
  const feed = requireFeed(options.feed);
  const stack = await openStack(options.stack, process.env);
  const messages = await interruptible(async (signal) => {
    const read = await readDlqs(stack, feed, terminal, signal);
    if (signal.aborted) throw new InterruptedError('Interrupted; the DLQ is as it was.');
    return read;
  });
  if (options.json) await terminal.printJson(messages);
  else await terminal.print(formatDeadMessages(messages, feed, terminal, terminal.columns));
}
