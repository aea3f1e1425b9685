import { Command } from 'commander';
import type { DroppedObject } from '../drop/find-dropped-file.ts';
import { idOfDropped } from '../drop/find-dropped-file.ts';
import { followToEnd } from '../drop/follow-to-end.ts';
import type { SourceFile } from '../drop/open-source-file.ts';
import { openSourceFile } from '../drop/open-source-file.ts';
import { putFile } from '../drop/put-file.ts';
import { exitCodes } from '../exit-codes.ts';
import { interruptible } from '../interrupt.ts';
import { exitCodeOf } from '../show/exit-code-of.ts';
import { formatManifest, verdictOf } from '../show/manifest-table.ts';
import { openStack } from '../stack/open-stack.ts';
import { flat } from '../terminal/format.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { GlobalOptions } from './command-options.ts';
import { jsonOption, requireFeed } from './command-options.ts';

interface DropOptions extends GlobalOptions {
  feed: string;
  express?: boolean;
  wait?: boolean;
  json?: boolean;
}

export function dropCommand(terminal: Terminal): Command {
  return new Command('drop')
    .description('Upload a file to the intake bucket; with --wait follow it until it is done and print its manifest.')
    .argument('<file>', 'the file on this machine')
    .requiredOption('--feed <name>', 'the feed that the file belongs to')
    .option('--express', 'use the express lane, past the files that are in progress')
    .option('--wait', 'wait until every record has an outcome')
    .addOption(jsonOption())
    .addHelpText('after', exitCodesHelp)
    .action(async (path: string, _options, command: Command) => {
      const options = command.optsWithGlobals<DropOptions>();
      process.exitCode = await interruptible((signal) => drop(path, options, terminal, signal));
    });
}

async function drop(path: string, options: DropOptions, terminal: Terminal, signal: AbortSignal): Promise<number> {
  const feed = requireFeed(options.feed);
  const file = await openSourceFile(path);
  const stack = await openStack(options.stack, process.env);
  const dropped = await putFile(file, { feed, express: options.express ?? false }, stack, terminal, signal).finally(
    () => file.handle.close(),
  );
  if (!options.wait) {
    if (options.json) await terminal.printJson(describeDrop(dropped, file));
    else terminal.note(`\`npm run -s sluice -- status ${idOfDropped(dropped) ?? ''}\` shows its progress.`);
    return exitCodes.clean;
  }
  const { text, manifest } = await followToEnd(dropped, stack, terminal, signal);
  if (options.json) {
    terminal.note(flat(`${dropped.key}: ${verdictOf(manifest)}`));
    await terminal.print(text);
  } else await terminal.print(formatManifest(manifest, terminal, terminal.columns));
  return exitCodeOf(manifest);
}

function describeDrop(dropped: DroppedObject, file: SourceFile) {
  return {
    /** Null if the bucket is not versioned: then only the ledger knows the id. */
    file_id: idOfDropped(dropped) ?? null,
    feed: dropped.feed,
    source: {
      bucket: dropped.bucket,
      key: dropped.key,
      version_id: dropped.versionId ?? null,
      etag: dropped.etag,
    },
    bytes: file.sizeBytes,
  };
}

const exitCodesHelp = `
With --wait: 0 every record was uploaded, or the file's bytes were dropped before (its records are in the first file's
account); 2 some are dead letters; 1 the file failed, was quarantined or replaced, or its account does not add up.`;
