import type { Readable } from 'node:stream';
import { Command, InvalidArgumentError, Option } from 'commander';
import { readArchived, readManifest } from '../archive/read-archive.ts';
import { decompress } from '../../lambdas/content/decompress.ts';
import { CliError } from '../cli-error.ts';
import { openStack } from '../stack/open-stack.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { linesOf } from '../verify/evidence-lines.ts';
import { proveRecord } from '../verify/record-proof.ts';
import type { GlobalOptions } from './command-options.ts';
import { examples, fileIdArgument } from './command-options.ts';
import { fileOfId } from './file-of-id.ts';

export function proveCommand(terminal: Terminal): Command {
  return new Command('prove')
    .description('Print a small proof (JSON) of what happened to one record; `verify` checks it without the file.')
    .addArgument(fileIdArgument())
    .requiredOption('--record <number>', "the record's number in the file", parseRecord)
    .addOption(new Option('--json', 'changes nothing: a proof is a JSON document'))
    .addHelpText('after', examples('prove traffic.7c2820ab --record 4711 > proof.json'))
    .action(async (fileId: string, _options, command: Command) => {
      const { stack: name, record } = command.optsWithGlobals<GlobalOptions & { record: number }>();
      const stack = await openStack(name, process.env);
      const archived = await readManifest(stack, await fileOfId(stack, fileId));
      const key = archived.manifest.archive.receipts_key;
      if (key === null) throw new CliError(`The file ${fileId} has no receipts: it has no records of its own.`);
      await terminal.printJson(
        await proveRecord(record, archived, async () => receiptLines(await readArchived(stack, key))),
      );
    });
}

async function* receiptLines(gzip: Readable): AsyncGenerator<string> {
  const content = decompress(gzip as AsyncIterable<Buffer>, { compression: 'gzip' });
  for await (const line of linesOf(content, 'the receipts')) yield line.toString();
}

function parseRecord(text: string): number {
  if (/^[1-9][0-9]{0,14}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a number of 1 or more.');
}
