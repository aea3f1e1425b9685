import { Command } from 'commander';
import { printReceipts } from '../archive/print-receipts.ts';
import { readArchived, readManifest } from '../archive/read-archive.ts';
import { openStack } from '../stack/open-stack.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { GlobalOptions } from './command-options.ts';
import { fileOfId } from './file-of-id.ts';

export function receiptsCommand(terminal: Terminal): Command {
  return new Command('receipts')
    .description("Print a file's receipts from the archive: one JSON object per line and record, in file order.")
    .argument('<file-id>')
    .action(async (fileId: string, _options, command: Command) => {
      const { stack: name } = command.optsWithGlobals<GlobalOptions>();
      const stack = await openStack(name, process.env);
      const { manifest } = await readManifest(stack, await fileOfId(stack, fileId));
      const key = manifest.archive.receipts_key;
      if (key === null) return terminal.note(`The file ${fileId} has no receipts: it has no records of its own.`);
      await printReceipts(await readArchived(stack, key), terminal.stdout);
    });
}
