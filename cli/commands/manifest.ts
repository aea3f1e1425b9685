import { Command, Option } from 'commander';
import { readManifest } from '../archive/read-archive.ts';
import { openStack } from '../stack/open-stack.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { GlobalOptions } from './command-options.ts';
import { examples, fileIdArgument } from './command-options.ts';
import { fileOfId } from './file-of-id.ts';

export function manifestCommand(terminal: Terminal): Command {
  return new Command('manifest')
    .description("Print a file's newest manifest from the archive, as JSON.")
    .addArgument(fileIdArgument())
    .addOption(new Option('--json', 'changes nothing: a manifest is a JSON document'))
    .addHelpText('after', examples('manifest traffic.7c2820ab', 'manifest 7c28 | jq .errors_by_reason'))
    .action(async (fileId: string, _options, command: Command) => {
      const { stack: name } = command.optsWithGlobals<GlobalOptions>();
      const stack = await openStack(name, process.env);
      const { text } = await readManifest(stack, await fileOfId(stack, fileId));
      await terminal.print(text);
    });
}
