import { Command, InvalidArgumentError } from 'commander';
import { feeds } from '../../feeds/index.ts';
import { systemClock } from '../../lambdas/adapters/system-clock.ts';
import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import { nameOfFile } from '../../lambdas/core/account/file-account.ts';
import { readSummary } from '../archive/read-summary.ts';
import { describeProgress } from '../drop/describe-progress.ts';
import { liveCounts } from '../drop/live-counts.ts';
import { projectFilesOf } from '../drop/project-files.ts';
import type { FileSummary } from '../show/file-summary.ts';
import { summariseFile } from '../show/file-summary.ts';
import { formatFiles } from '../show/files-table.ts';
import { formatManifest } from '../show/manifest-table.ts';
import type { OpenStack } from '../stack/open-stack.ts';
import { openStack } from '../stack/open-stack.ts';
import { formatBytes, oneLine } from '../terminal/format.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { GlobalOptions } from './command-options.ts';
import { jsonOption, requireFeed } from './command-options.ts';
import { fileOfId } from './file-of-id.ts';

interface StatusOptions extends GlobalOptions {
  feed?: string;
  limit: number;
  json?: boolean;
}

/** Manifests read at once for a listing. */
const manifestsAtOnce = 10;

export function statusCommand(terminal: Terminal): Command {
  return new Command('status')
    .description('Show files in progress and done, or one file.')
    .argument('[file-id]')
    .option('--feed <name>', 'only files of this feed')
    .option(
      '--limit <number>',
      'show at most this many finished files; all files in progress are shown',
      parseLimit,
      20,
    )
    .addOption(jsonOption())
    .action(async (fileId: string | undefined, _options, command: Command) => {
      const options = command.optsWithGlobals<StatusOptions>();
      if (options.feed !== undefined) requireFeed(options.feed);
      const stack = await openStack(options.stack, process.env);
      await (fileId === undefined ? showFiles(stack, options, terminal) : showFile(stack, fileId, options, terminal));
    });
}

async function showFiles(stack: OpenStack, options: StatusOptions, terminal: Terminal): Promise<void> {
  const names = options.feed === undefined ? feeds.map((feed) => feed.name) : [options.feed];
  const lists = async (which: 'open' | 'closed', limit: number): Promise<FileAccount[]> => {
    const files = (await Promise.all(names.map((name) => stack.ledger.listFiles(name, which, limit)))).flat();
    return files.sort((a, b) => b.createdAt - a.createdAt).slice(0, limit);
  };
  const open = await lists('open', Infinity);
  const closed = await lists('closed', options.limit);
  // A file that was closed between the two queries is in both results.
  const done = closed.filter((file) => !open.some(({ fileId }) => fileId === file.fileId));
  const projections = await projectFilesOf(stack, systemClock);
  const underWay = open.map((file) => summariseFile(file, undefined, projections.of(file.fileId)));
  const summaries = [...underWay, ...(await summariseClosed(stack, done))];
  if (options.json) return terminal.printJson(summaries);
  if (summaries.length === 0) return terminal.note(`No file was dropped into ${stack.target.stackName} yet.`);
  await terminal.print(formatFiles(summaries, (fileId) => projections.textOf(fileId)));
}

/** Closed files, with the final counts of their manifests. */
async function summariseClosed(stack: OpenStack, files: readonly FileAccount[]): Promise<FileSummary[]> {
  const summaries: FileSummary[] = [];
  for (let from = 0; from < files.length; from += manifestsAtOnce) {
    const some = files.slice(from, from + manifestsAtOnce);
    summaries.push(...(await Promise.all(some.map((file) => summarise(stack, file)))));
  }
  return summaries;
}

async function summarise(stack: OpenStack, file: FileAccount): Promise<FileSummary> {
  return summariseFile(file, file.manifest && (await readSummary(stack, file)));
}

async function showFile(stack: OpenStack, fileId: string, options: StatusOptions, terminal: Terminal): Promise<void> {
  const found = await fileOfId(stack, fileId);
  const file = { ...found, settled: await liveCounts(found, stack.ledger) };
  if (file.manifest) {
    const manifest = await readSummary(stack, file);
    if (options.json) return terminal.printJson(summariseFile(file, manifest));
    return terminal.print(formatManifest(manifest, terminal, terminal.columns));
  }
  const projections = await projectFilesOf(stack, systemClock);
  if (options.json) return terminal.printJson(summariseFile(file, undefined, projections.of(file.fileId)));
  const api = stack.outputs.api(file.feed);
  const limitPerSecond = api && api.requests / api.windowSeconds;
  const { text } = describeProgress({ file, perSecond: undefined, limitPerSecond });
  const name = `${oneLine(nameOfFile(file.source.key, file.bundle?.members), 60)} (${formatBytes(file.source.sizeBytes)})`;
  const projected = projections.textOf(file.fileId);
  const lines = [
    `${terminal.style('bold', name)}  ${file.state}`,
    `  ${text}`,
    ...(projected ? [`  ${projected}`] : []),
  ];
  await terminal.print(`${lines.join('\n')}\n`);
}

function parseLimit(text: string): number {
  if (/^[1-9][0-9]{0,3}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a number from 1 to 9999.');
}
