import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { findArchived, readManifest } from '../archive/read-archive.ts';
import { CliError } from '../cli-error.ts';
import { openStack } from '../stack/open-stack.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { GlobalOptions } from './command-options.ts';
import { examples, fileIdArgument, jsonOption } from './command-options.ts';
import { fileOfId } from './file-of-id.ts';
import { sluice } from '../terminal/sluice-command.ts';

export function reportCommand(terminal: Terminal): Command {
  return new Command('report')
    .description("Save a file's newest report, a self-contained HTML page, and print its path.")
    .addArgument(fileIdArgument())
    .option('--out <file>', 'the file to write (default: sluice-report-FILE_ID.html in this folder)')
    .addOption(jsonOption())
    .addHelpText('after', examples('report traffic.7c2820ab', 'report 7c28 --out monday.html'))
    .action(async (fileId: string, _options, command: Command) => {
      const { stack: name, out, json } = command.optsWithGlobals<GlobalOptions & { out?: string; json?: boolean }>();
      const stack = await openStack(name, process.env);
      const { manifest } = await readManifest(stack, await fileOfId(stack, fileId));
      const { file_id: id, manifest_number: number, archive } = manifest;
      const page = archive.report_key === null ? undefined : await findArchived(stack, archive.report_key);
      if (page === undefined) {
        throw new CliError(
          `Manifest ${number} of ${id} has no report: either it is older than reports, or drawing it failed. ` +
            `\`${sluice} status ${id}\` shows the same figures.`,
        );
      }
      const path = resolve(out ?? `sluice-report-${id}.html`);
      save(path, page);
      if (json) await terminal.printJson({ file_id: id, manifest_number: number, path });
      else await terminal.print(`${path}\n`);
    });
}

function save(path: string, page: string): void {
  try {
    writeFileSync(path, page);
  } catch (error) {
    throw new CliError(`${path} can't be written: ${(error as Error).message}`, { cause: error });
  }
}
