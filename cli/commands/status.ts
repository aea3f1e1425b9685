import { Command, InvalidArgumentError } from 'commander';
import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import { nameOfFile } from '../../lambdas/core/account/file-account.ts';
import { readSummary } from '../archive/read-summary.ts';
import { describeProgress } from '../drop/describe-progress.ts';
import { liveCounts } from '../drop/live-counts.ts';
import { summaryOf } from '../live/describe-file.ts';
import { openReader } from '../live/open-reader.ts';
import type { Headline, Snapshot } from '../live/snapshot.ts';
import type { FileSummary } from '../show/file-summary.ts';
import { summariseFile } from '../show/file-summary.ts';
import { formatFiles } from '../show/files-table.ts';
import { formatHeadlines } from '../show/headlines.ts';
import { formatManifest } from '../show/manifest-table.ts';
import { deployedFeeds, requireDeployed } from '../stack/deployed-feeds.ts';
import type { OpenStack } from '../stack/open-stack.ts';
import { openStack } from '../stack/open-stack.ts';
import { formatBytes, oneLine } from '../terminal/format.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { GlobalOptions } from './command-options.ts';
import { jsonOption } from './command-options.ts';
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
      const stack = await openStack(options.stack, process.env);
      if (options.feed !== undefined) requireDeployed(stack, options.feed);
      await (fileId === undefined ? showFiles(stack, options, terminal) : showFile(stack, fileId, options, terminal));
    });
}

async function showFiles(stack: OpenStack, options: StatusOptions, terminal: Terminal): Promise<void> {
  const snapshot = await openReader(stack, options.feed, { shownFiles: Infinity }).look();
  const names = options.feed === undefined ? deployedFeeds(stack) : [options.feed];
  const lists = await Promise.all(names.map((name) => stack.ledger.listFiles(name, 'closed', options.limit)));
  const closed = lists.flat().sort((a, b) => b.createdAt - a.createdAt);
  // A file that was closed between the two queries is in both results.
  const isOpen = new Set(snapshot.files.map(({ file_id: id }) => id));
  const done = closed.slice(0, options.limit).filter(({ fileId }) => !isOpen.has(fileId));
  const summaries = [...snapshot.files.map(summaryOf), ...(await summariseClosed(stack, done))];
  if (options.json) return terminal.printJson(summaries);
  if (summaries.length === 0) return terminal.note(`No file was dropped into ${stack.target.stackName} yet.`);
  const projected = new Map(snapshot.files.map((file) => [file.file_id, file.projected ?? undefined]));
  const when = { zone: snapshot.zone, now: Date.parse(snapshot.at) };
  const headlines = formatHeadlines(faultsIn(snapshot), terminal);
  await terminal.print(`${headlines}${formatFiles(summaries, when, (fileId) => projected.get(fileId))}`);
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
  const snapshot = await openReader(stack, file.feed, { shownFiles: Infinity }).look();
  const live = snapshot.files.find(({ file_id: id }) => id === file.fileId);
  if (options.json) return terminal.printJson(live === undefined ? summariseFile(file) : summaryOf(live));
  const api = stack.outputs.api(file.feed);
  const limitPerSecond = api && api.requests / api.windowSeconds;
  const { text } = describeProgress({ file, perSecond: undefined, limitPerSecond });
  const name = `${oneLine(nameOfFile(file.source.key, file.bundle?.members), 60)} (${formatBytes(file.source.sizeBytes)})`;
  const about = faultsIn(snapshot).filter(({ file_id: id }) => id === null || id === file.fileId);
  const lines = [
    `${terminal.style('bold', name)}  ${file.state}`,
    `  ${text}`,
    ...(live?.projected == null ? [] : [`  ${live.projected}; times in ${snapshot.zone}`]),
  ];
  await terminal.print(`${formatHeadlines(about, terminal)}${lines.join('\n')}\n`);
}

/** What else there is to know; the files show their own progress. */
const faultsIn = ({ headlines }: Snapshot): Headline[] => headlines.filter(({ kind }) => kind !== 'progress');

function parseLimit(text: string): number {
  if (/^[1-9][0-9]{0,3}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a number from 1 to 9999.');
}
