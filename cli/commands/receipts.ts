import { Command, Option } from 'commander';
import { printReceipts } from '../archive/print-receipts.ts';
import { readArchived, readManifest } from '../archive/read-archive.ts';
import { openStack } from '../stack/open-stack.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { GlobalOptions } from './command-options.ts';
import { examples, fileIdArgument } from './command-options.ts';
import { fileOfId } from './file-of-id.ts';

interface ReceiptsOptions extends GlobalOptions {
  json?: boolean;
}

export function receiptsCommand(terminal: Terminal): Command {
  return new Command('receipts')
    .description("Print a file's receipts from the archive: one JSON object per line and record, in file order.")
    .addArgument(fileIdArgument())
    .addOption(new Option('--json', 'print them as one JSON array'))
    .addHelpText('after', examples('receipts traffic.7c2820ab | head', 'receipts 7c28 | grep \'"outcome":"refused"\''))
    .action(async (typed: string, _options, command: Command) => {
      const { stack: name, json: isJson = false } = command.optsWithGlobals<ReceiptsOptions>();
      const stack = await openStack(name, process.env);
      const { manifest } = await readManifest(stack, await fileOfId(stack, typed));
      const { archive, file_id: fileId } = manifest;
      if (archive.receipts_key === null) {
        if (isJson) await terminal.printJson([]);
        return terminal.note(`The file ${fileId} has no receipts: it has no records of its own.`);
      }
      await printReceipts(await readArchived(stack, archive.receipts_key), terminal.stdout, { isJson });
    });
}
