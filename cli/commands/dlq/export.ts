import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Command } from 'commander';
import { feedNamed } from '../../../feeds/index.ts';
import { CliError } from '../../cli-error.ts';
import { exportDead } from '../../dlq/export-dead.ts';
import { readWholeDeadOf } from '../../dlq/read-dead-of.ts';
import { InterruptedError, interruptible } from '../../interrupt.ts';
import { openStack } from '../../stack/open-stack.ts';
import { formatCountOf } from '../../terminal/format.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import type { GlobalOptions } from '../command-options.ts';
import { selectionOf } from '../command-options.ts';

interface ExportOptions extends GlobalOptions {
  feed: string;
  file?: string;
  reason?: string;
  out?: string;
}

export function exportCommand(terminal: Terminal): Command {
  return new Command('export')
    .description('Write the reconciliation CSV: one row per dead letter, to correct in a spreadsheet and reingest.')
    .requiredOption('--feed <name>', 'the feed whose dead letters are meant')
    .option('--file <id>', 'only those of this file')
    .option('--reason <reason>', 'only those whose last failure has this reason')
    .option('--out <file>', 'the file to write; it must not exist yet (default: stdout)')
    .action(async (_options, command: Command) => {
      const options = command.optsWithGlobals<ExportOptions>();
      await interruptible((signal) => exportTo(options, terminal, signal));
    });
}

async function exportTo(options: ExportOptions, terminal: Terminal, signal: AbortSignal): Promise<void> {
  const selection = selectionOf(options);
  const stack = await openStack(options.stack, process.env);
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
}

function explained(error: unknown, out: string, signal: AbortSignal): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (signal.aborted) return new InterruptedError(`Interrupted: ${out} contains only part of the dead letters.`);
  // It may have been corrected already.
  if (code === 'EEXIST') return new CliError(`${out} exists already; name another file.`, { cause: error });
  if (code === 'ENOENT') return new CliError(`${out}: no such folder.`, { cause: error });
  return error;
}
