import { Command, Option } from 'commander';
import { idOfDropped } from '../drop/find-dropped-file.ts';
import { followToEnd } from '../drop/follow-to-end.ts';
import { openSourceFiles } from '../drop/open-source-file.ts';
import type { DroppedFile } from '../drop/put-file.ts';
import { putFiles } from '../drop/put-file.ts';
import type { ExitCode } from '../exit-codes.ts';
import { exitCodes } from '../exit-codes.ts';
import { interruptible } from '../interrupt.ts';
import { exitCodeOf } from '../show/exit-code-of.ts';
import { formatManifest, verdictOf } from '../show/manifest-table.ts';
import type { OpenStack } from '../stack/open-stack.ts';
import { openStack } from '../stack/open-stack.ts';
import { flat } from '../terminal/format.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { GlobalOptions } from './command-options.ts';
import { examples, feedOption, requireFeed } from './command-options.ts';
import { sluice } from '../terminal/sluice-command.ts';

interface DropOptions extends GlobalOptions {
  feed: string;
  express?: boolean;
  wait?: boolean;
  json?: boolean;
  control?: string[];
  controlFirst?: boolean;
}

export function dropCommand(terminal: Terminal): Command {
  return new Command('drop')
    .description(
      'Upload files to the intake bucket; with --wait follow them until they are done and print their manifests.',
    )
    .argument('<files...>', 'files on this machine, dropped in this order')
    .addOption(feedOption('the feed that the files belong to').makeOptionMandatory())
    .option('--express', 'use the express lane, past the files that are in progress')
    .option('--wait', 'wait until every record has an outcome')
    .option('--control <files...>', 'their control files, dropped after them; they are not followed')
    .option('--control-first', 'drop the control files before the files')
    .addOption(
      new Option('--json', 'print one JSON document on stdout, and nothing else there: an array for several files'),
    )
    .addHelpText(
      'after',
      exitCodesHelp +
        examples(
          'drop WABC_20260105.csv --feed traffic --wait',
          'drop logs/*.csv --feed traffic',
          'drop WABC.csv --feed traffic --control WABC.csv.ctl --wait',
          'drop urgent.csv --feed traffic --express --wait --json | jq .state',
        ),
    )
    .action(async (paths: string[], _options, command: Command) => {
      const options = command.optsWithGlobals<DropOptions>();
      process.exitCode = await interruptible((signal) => drop(paths, options, terminal, signal));
    });
}

async function drop(
  paths: readonly string[],
  options: DropOptions,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  requireFeed(options.feed);
  const { feed, express = false, wait, control = [], controlFirst = false } = options;
  const all = await openSourceFiles([...paths, ...control]);
  const [files, controls] = [all.slice(0, paths.length), all.slice(paths.length)];
  try {
    const stack = await openStack(options.stack, process.env);
    const put = (some: typeof all, areControls: boolean) =>
      putFiles(some, { feed, express, areControls }, stack, terminal, signal);
    // The order decides which version of a file a control file speaks of.
    if (controlFirst) await put(controls, true);
    const dropped = await put(files, false);
    if (!controlFirst) await put(controls, true);
    return await (wait ? follow(dropped, stack, options, terminal, signal) : tell(dropped, options, terminal));
  } finally {
    await Promise.all(all.map(({ handle }) => handle.close()));
  }
}

async function tell(
  dropped: readonly DroppedFile[],
  { json: isJson }: DropOptions,
  terminal: Terminal,
): Promise<ExitCode> {
  if (isJson) await terminal.printJson(oneOrAll(dropped.map(describeDrop)));
  else if (dropped.length > 1) terminal.note(`\`${sluice} status\` shows their progress.`);
  else if (dropped[0]) terminal.note(`\`${sluice} status ${idOfDropped(dropped[0]) ?? ''}\` shows its progress.`);
  return exitCodes.clean;
}

/** All are in progress at once; each is followed to its end in turn. Returns the most serious exit code. */
async function follow(
  dropped: readonly DroppedFile[],
  stack: OpenStack,
  { json: isJson }: DropOptions,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<ExitCode> {
  const texts: string[] = [];
  const codes: ExitCode[] = [];
  for (const each of dropped) {
    const { text, manifest } = await followToEnd(each, stack, terminal, signal);
    texts.push(text);
    codes.push(exitCodeOf(manifest));
    if (isJson) terminal.note(flat(`${each.key}: ${verdictOf(manifest)}`));
    else await terminal.print(formatManifest(manifest, terminal, terminal.columns));
  }
  // As they are in the archive, byte by byte.
  if (isJson) await terminal.print(texts.length === 1 ? (texts[0] ?? '') : `[\n${texts.join(',\n')}\n]\n`);
  return [exitCodes.failed, exitCodes.deadLetters].find((code) => codes.includes(code)) ?? exitCodes.clean;
}

/** One file's document is not wrapped in an array. */
const oneOrAll = <T>(all: readonly T[]): T | readonly T[] => (all.length === 1 && all[0] !== undefined ? all[0] : all);

function describeDrop(dropped: DroppedFile) {
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
    bytes: dropped.file.sizeBytes,
  };
}

const exitCodesHelp = `
With --wait: 0 every record was uploaded, or the file's bytes were dropped before (its records are in the first file's
account); 2 some are dead letters; 1 the file failed, has no records, was quarantined or replaced, or its account does not add up.
Of several files the most serious one decides: 1, then 2, then 0.
`;
