import { Command } from 'commander';
import { systemClock } from '../../../lambdas/adapters/system-clock.ts';
import type { EventPublisher } from '../../../lambdas/ports.ts';
import { withSummaries } from '../../archive/read-summary.ts';
import { CliError } from '../../cli-error.ts';
import type { Chosen } from '../../dlq/resolve-by-hand.ts';
import { chooseDead } from '../../dlq/resolve-by-hand.ts';
import { resolveToEnd } from '../../dlq/resolve-to-end.ts';
import { SqsQueueAccess } from '../../../lambdas/adapters/sqs-queue-access.ts';
import { exitCodes } from '../../exit-codes.ts';
import { InterruptedError, interruptible } from '../../interrupt.ts';
import { describeAmendment, formatAmendments } from '../../show/redrive-result.ts';
import { explainFault } from '../../stack/explain-fault.ts';
import { openStack } from '../../stack/open-stack.ts';
import { whoDecides } from '../../operate/who.ts';
import { formatCountOf } from '../../terminal/format.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import type { DecisionOptions } from '../command-options.ts';
import { byOption, examples, fileIdArgument, jsonOption } from '../command-options.ts';
import { fileOfId } from '../file-of-id.ts';
import { parseRecord } from './show.ts';

interface ResolveOptions extends DecisionOptions {
  reason?: string;
  all?: boolean;
}

export function resolveCommand(terminal: Terminal): Command {
  return new Command('resolve')
    .description('Mark dead letters as handled by hand, outside of Sluice; the account is amended.')
    .addArgument(fileIdArgument())
    .argument('[records...]', 'their record numbers in the file', (text: string, before: number[] | undefined) => [
      ...(before ?? []),
      parseRecord(text),
    ])
    .requiredOption('--why <text>', 'what was done about them; stored for the auditor')
    .addOption(byOption())
    .option('--reason <reason>', 'all open ones of the file whose last failure has this reason')
    .option('--all', 'all open ones of the file')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      examples(
        "dlq resolve traffic.7c2820ab 12 4711 --why 'entered by hand'",
        "dlq resolve 7c28 --reason http_422 --why 'test spots' --by ann",
      ),
    )
    .action(async (fileId: string, records: number[] | undefined, _options, command: Command) => {
      const options = command.optsWithGlobals<ResolveOptions>();
      process.exitCode = await interruptible((signal) => resolve(fileId, records ?? [], options, terminal, signal));
    });
}

async function resolve(
  typed: string,
  records: number[],
  options: ResolveOptions,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  const chosen = chosenOf(records, options);
  const who = whoDecides(options, 'what was done about them');
  const stack = await openStack(options.stack, process.env);
  const file = await fileOfId(stack, typed);
  const { fileId } = file;
  const wanted = await chooseDead(file, chosen, stack.ledger);
  const events = tolerant(stack.events, terminal);
  const ports = {
    ...withSummaries(stack),
    events,
    queues: new SqsQueueAccess(stack.sqs),
    clock: systemClock,
    terminal,
  };
  const { resolved, removed, amendments } = await resolveToEnd(file, wanted, who, ports, signal);
  terminal.endProgress();
  const sentence = `${formatCountOf(resolved.length, 'dead letter')} of ${wanted.length} marked as handled by ${who.by}`;
  if (signal.aborted)
    throw new InterruptedError(`Interrupted: ${sentence}. The account is amended without this command.`);
  if (options.json) {
    await terminal.printJson({
      file_id: fileId,
      resolved,
      by: who.by,
      why: who.why,
      removed_letters: removed,
      files: amendments.map(describeAmendment),
    });
  } else await terminal.print(`${sentence}: ${who.why}\n\n${formatAmendments(amendments)}`);
  return resolved.length === wanted.length ? exitCodes.clean : exitCodes.failed;
}

/** The ledger already has it: an event that can't be published is reported and does not fail the command. */
function tolerant(events: EventPublisher, terminal: Terminal): EventPublisher {
  return {
    publish: (type, detail) =>
      events.publish(type, detail).catch((error: unknown) => {
        terminal.note(`Resolved, but no event was published: ${explainFault(error)}`);
      }),
  };
}

function chosenOf(records: readonly number[], { reason, all }: ResolveOptions): Chosen {
  const ways = [records.length > 0, reason !== undefined, all === true].filter((way) => way).length;
  if (ways === 1) return records.length > 0 ? { records } : { reason };
  throw new CliError('Select the records in one way: by number, with --reason, or with --all.');
}
