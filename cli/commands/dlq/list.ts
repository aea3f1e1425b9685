import { Command } from 'commander';
import type { DeadMessage } from '../../dlq/dead-message.ts';
import type { ListedRecord } from '../../dlq/list-dead.ts';
import { listDead } from '../../dlq/list-dead.ts';
import { readDeadOf } from '../../dlq/read-dead-of.ts';
import { countMessages } from '../../../lambdas/adapters/sqs-queue-access.ts';
import { markAltered } from '../../dlq/mark-altered.ts';
import { readDlqs } from '../../dlq/read-dlqs.ts';
import type { Selection } from '../../dlq/select-dead.ts';
import { isNarrowed } from '../../dlq/select-dead.ts';
import { InterruptedError, interruptible } from '../../interrupt.ts';
import { formatDeadList } from '../../show/dlq-list.ts';
import type { OpenStack } from '../../stack/open-stack.ts';
import { openStack } from '../../stack/open-stack.ts';
import { formatCount } from '../../terminal/format.ts';
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
  const { records, messages, queued } = await interruptible((signal) =>
    read(stack, selection, options, terminal, signal),
  );
  if (options.json) return terminal.printJson([...records, ...messages]);
  await terminal.print(formatDeadList({ selection, records, messages, queued }, terminal, terminal.columns));
}

/** Only the first line is shown, and 100,000 records of 64 KiB would not fit into memory. Characters. */
const maxShown = 2_000;

function shortened(record: ListedRecord): ListedRecord {
  const { raw_payload: payload, error, api_answer: answer } = record;
  return {
    ...record,
    error: error.slice(0, maxShown),
    api_answer: answer?.slice(0, maxShown) ?? null,
    // A multiple of four, so that base64 is cut between its groups.
    raw_payload: payload?.slice(0, maxShown) ?? null,
  };
}

interface Listing {
  records: ListedRecord[];
  /** Messages that are not letters, and letters that the ledger does not know. */
  messages: DeadMessage[];
  /** Letters by SQS's count, in the DLQs and on their way there. */
  queued: number;
}

async function read(
  stack: OpenStack,
  selection: Selection,
  options: Pick<ListOptions, 'json'>,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<Listing> {
  const { feed, fileId } = selection;
  const records: ListedRecord[] = [];
  for await (const record of listDead(selection, { ledger: stack.ledger, readDead: readDeadOf(stack) })) {
    if (records.push(options.json ? record : shortened(record)) % 500 === 0) {
      terminal.progress('list', `reading the dead letters  ${formatCount(records.length)}`);
    }
    if (signal.aborted) break;
  }
  const urls = stack.outputs.redrivePaths(feed, 'letters').flatMap(({ dlqUrl, queueUrl }) => [dlqUrl, queueUrl]);
  const counts = await Promise.all(urls.map((url) => countMessages(stack.sqs, url)));
  const queued = counts.reduce((sum, count) => sum + count, 0);
  // The letters' DLQ may be long: it is read only if it holds more messages than the ledger has letters.
  const more = !isNarrowed(selection) && queued > records.length ? (['letters'] as const) : [];
  const found = await readDlqs(stack, feed, terminal, signal, [...more, 'records', 'intake', 'finalize']);
  terminal.endProgress();
  if (signal.aborted) throw new InterruptedError('Interrupted; the DLQ is unchanged.');
  const known = new Set(records.map(({ letter_id }) => letter_id));
  const messages = found.filter(
    (message) =>
      (fileId === undefined || message.file_id === fileId) &&
      (selection.reason === undefined || message.reason === selection.reason) &&
      !(message.kind === 'letter' && known.has(message.letter_id)),
  );
  return { records, messages: await markAltered(messages, feed, stack.ledger), queued };
}
