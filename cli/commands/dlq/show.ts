import { Command, InvalidArgumentError } from 'commander';
import { withWholePayload } from '../../../lambdas/dead-letters/whole-payload.ts';
import { CliError } from '../../cli-error.ts';
import { describeDead } from '../../dlq/describe-dead.ts';
import { findReceipt } from '../../dlq/find-receipt.ts';
import { formatDeadRecord } from '../../show/dead-record.ts';
import { openStack } from '../../stack/open-stack.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import type { GlobalOptions } from '../command-options.ts';
import { examples, fileIdArgument, jsonOption } from '../command-options.ts';
import { fileOfId } from '../file-of-id.ts';
import { sluice } from '../../terminal/sluice-command.ts';

interface ShowOptions extends GlobalOptions {
  json?: boolean;
}

export function showCommand(terminal: Terminal): Command {
  return new Command('show')
    .description('Show everything known about one dead letter: its text in the file, why it failed, what was tried.')
    .addArgument(fileIdArgument())
    .argument('<record>', 'its number in the file, from 1', parseRecord)
    .addOption(jsonOption())
    .addHelpText('after', examples('dlq show traffic.7c2820ab 4711', 'dlq show 7c28 4711 --json | jq .history'))
    .action(async (fileId: string, record: number, _options, command: Command) =>
      show(fileId, record, command.optsWithGlobals<ShowOptions>(), terminal),
    );
}

async function show(typed: string, record: number, options: ShowOptions, terminal: Terminal): Promise<void> {
  const stack = await openStack(options.stack, process.env);
  const file = await fileOfId(stack, typed);
  const { fileId } = file;
  const dead = await stack.ledger.getDead(fileId, record);
  const found = await findReceipt(file, record, stack);
  const receipt = found && (await withWholePayload(file, found, stack.payloads));
  const hasFailed = receipt && ['rejected', 'refused', 'exhausted'].includes(receipt.outcome);
  if (!dead && !hasFailed) {
    throw new CliError(
      `Record ${record} of the file ${fileId} is not a dead letter` +
        (file.manifest
          ? `; \`${sluice} receipts ${fileId}\` shows what happened to each record.`
          : ', in the part of the file that is done so far.'),
    );
  }
  const described = describeDead(file, record, receipt, dead);
  if (options.json) return terminal.printJson(described);
  await terminal.print(formatDeadRecord(described, terminal, terminal.columns));
}

/** @throws InvalidArgumentError if it is not a record number */
export function parseRecord(text: string): number {
  const record = Number(text);
  if (/^[0-9]{1,10}$/.test(text) && record >= 1) return record;
  throw new InvalidArgumentError('A record is named by its number in the file: 1, 2, 3, …');
}
