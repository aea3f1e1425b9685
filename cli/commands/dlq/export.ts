import { createWriteStream } from 'node:fs';
import { resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Command, Option } from 'commander';
import { feedNamed } from '../../../feeds/index.ts';
import { CliError } from '../../cli-error.ts';
import { exportDead } from '../../dlq/export-dead.ts';
import { readWholeDeadOf } from '../../dlq/read-dead-of.ts';
import { InterruptedError, interruptible } from '../../interrupt.ts';
import { openStack } from '../../stack/open-stack.ts';
import { formatCountOf } from '../../terminal/format.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import type { GlobalOptions } from '../command-options.ts';
import { examples, feedOption, requireFeed, selectionOf } from '../command-options.ts';

interface ExportOptions extends GlobalOptions {
  feed: string;
  file?: string;
  reason?: string;
  out?: string;
  json?: boolean;
}

export function exportCommand(terminal: Terminal): Command {
  return new Command('export')
    .description('Write the reconciliation CSV: one row per dead letter, to correct in a spreadsheet and reingest.')
    .addOption(feedOption('the feed whose dead letters are meant').makeOptionMandatory())
    .option('--file <id>', 'only those of this file')
    .option('--reason <reason>', 'only those whose last failure has this reason')
    .option('--out <file>', 'the file to write; it must not exist yet (default: stdout)')
    .addOption(new Option('--json', 'print path and number of rows as one JSON document; needs --out'))
    .addHelpText(
      'after',
      examples(
        'dlq export --feed traffic --out dead.csv',
        'dlq export --feed traffic --file 7c28 --reason http_422 | head',
      ),
    )
    .action(async (_options, command: Command) => {
      const options = command.optsWithGlobals<ExportOptions>();
      await interruptible((signal) => exportTo(options, terminal, signal));
    });
}

async function exportTo(options: ExportOptions, terminal: Terminal, signal: AbortSignal): Promise<void> {
  if (options.json && options.out === undefined) {
    throw new CliError('With --json, name a file for the CSV with --out: stdout has the JSON document.');
  }
  requireFeed(options.feed);
  const stack = await openStack(options.stack, process.env);
  const selection = await selectionOf(options, stack);
  // The header is not a record.
  let rows = -1;
  const ports = { ledger: stack.ledger, readDead: readWholeDeadOf(stack), feedNamed };
  const counted = async function* () {
    for await (const line of exportDead(selection, ports)) {
      rows++;
      yield line;
    }
  };
  try {
    if (options.out === undefined) await pipeline(counted(), terminal.stdout, { end: false, signal });
    else await pipeline(Readable.from(counted()), createWriteStream(options.out, { flags: 'wx' }), { signal });
  } catch (error) {
    throw explained(error, options.out ?? 'stdout', signal);
  }
  terminal.note(
    `${formatCountOf(rows, 'dead letter')} written${options.out === undefined ? '' : ` to ${options.out}`}.`,
  );
  if (options.json) await terminal.printJson({ feed: selection.feed, rows, path: resolve(options.out ?? '') });
}

function explained(error: unknown, out: string, signal: AbortSignal): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (signal.aborted) return new InterruptedError(`Interrupted: ${out} contains only part of the dead letters.`);
  // It may have been corrected already.
  if (code === 'EEXIST') return new CliError(`${out} exists already; name another file.`, { cause: error });
  if (code === 'ENOENT') return new CliError(`${out}: no such folder.`, { cause: error });
  return error;
}
