import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';
import { Command } from 'commander';
import { z } from 'zod';
import { receipt } from '../../lambdas/core/account/receipt.ts';
import { findArchived, readArchived, readManifest } from '../archive/read-archive.ts';
import { CliError } from '../cli-error.ts';
import { exitCodes } from '../exit-codes.ts';
import { interruptible } from '../interrupt.ts';
import type { ResolvedRecord } from '../records/compare-records.ts';
import { compareRecords } from '../records/compare-records.ts';
import { readStoredRecords } from '../records/read-stored-records.ts';
import { dynamoClientFor } from '../stack/clients.ts';
import type { OpenStack } from '../stack/open-stack.ts';
import { openStack } from '../stack/open-stack.ts';
import { formatCount, formatCountOf } from '../terminal/format.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { GlobalOptions } from './command-options.ts';
import { examples, fileIdArgument, jsonOption } from './command-options.ts';
import { fileOfId } from './file-of-id.ts';

interface RecordsOptions extends GlobalOptions {
  json?: boolean;
}

export function recordsCommand(terminal: Terminal): Command {
  return new Command('records')
    .description(
      "Compare the record ledger with a file's receipts: each accepted record must be there once, as its receipt says, and " +
        'nothing else may name the file. For feeds whose sink is the record ledger.',
    )
    .addArgument(fileIdArgument())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExit codes: 0 they agree; 1 they differ. Reads the whole record ledger.\n' +
        examples('records maintenance.7c2820ab', 'records 7c28 --json | jq .faults'),
    )
    .action(async (fileId: string, _options, command: Command) => {
      const options = command.optsWithGlobals<RecordsOptions>();
      process.exitCode = await interruptible((signal) => records(fileId, options, terminal, signal));
    });
}

async function records(
  typed: string,
  options: RecordsOptions,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  const stack = await openStack(options.stack, process.env);
  const file = await fileOfId(stack, typed);
  if (stack.outputs.api(file.feed)?.url !== null) {
    throw new CliError(`The feed ${file.feed} uses an API: the record ledger has none of its records.`);
  }
  const { manifest } = await readManifest(stack, file);
  const { receipts_key: receiptsKey, resolutions_key: resolutionsKey } = manifest.archive;
  const client = dynamoClientFor(stack.target);
  const stored = await readStoredRecords(client, stack.outputs.recordLedgerTable, file.fileId, signal);
  const resolutions =
    resolutionsKey === null ? new Map<number, ResolvedRecord>() : await readResolutions(stack, resolutionsKey);
  const comparison = await compareRecords(receiptsOf(stack, receiptsKey), resolutions, stored);
  const { expected, agreed, faults, examples } = comparison;
  if (options.json) await terminal.printJson({ file_id: file.fileId, expected, agreed, faults, examples });
  else {
    const sentence = `Accepted records that the ledger has as their receipts say: ${formatCount(agreed)} of ${formatCount(expected)}`;
    const more = faults > examples.length ? [`… and ${formatCount(faults - examples.length)} more`] : [];
    const found = faults === 0 ? ['Nothing else in it names the file.'] : [`${formatCountOf(faults, 'difference')}:`];
    await terminal.print([`${sentence}.`, ...found, ...examples.map((each) => `  ${each}`), ...more, ''].join('\n'));
  }
  return faults === 0 ? exitCodes.clean : exitCodes.failed;
}

async function* receiptsOf(stack: OpenStack, key: string | null) {
  if (key === null) return;
  const gzip = await readArchived(stack, key);
  const lines = createGunzip();
  gzip.on('error', (error) => lines.destroy(error));
  for await (const line of createInterface({ input: gzip.pipe(lines), crlfDelay: Infinity })) {
    yield receipt.parse(JSON.parse(line));
  }
}

const resolution = z.looseObject({
  record: z.int().positive(),
  resolution: z.string(),
  request_id: z.string().nullable(),
  correction: z.unknown().optional(),
});

async function readResolutions(stack: OpenStack, key: string): Promise<Map<number, ResolvedRecord>> {
  const text = (await findArchived(stack, key)) ?? '';
  const lines = text.split('\n').filter((line) => line !== '');
  return new Map(lines.map((line) => resolution.parse(JSON.parse(line))).map((each) => [each.record, each]));
}
