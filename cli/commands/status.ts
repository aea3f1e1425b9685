import { Command, InvalidArgumentError, Option } from 'commander';
import type { FileAccount, FileState } from '../../lambdas/core/account/file-account.ts';
import { fileStates, nameOfFile } from '../../lambdas/core/account/file-account.ts';
import { zoneText } from '../../lambdas/core/deadlines/deadline-text.ts';
import { isMissed } from '../../lambdas/core/nights/judge-expected.ts';
import { readSummary } from '../archive/read-summary.ts';
import { exitCodes } from '../exit-codes.ts';
import { describeProgress } from '../drop/describe-progress.ts';
import { liveCounts } from '../drop/live-counts.ts';
import { summaryOf } from '../live/describe-file.ts';
import { openReader } from '../live/open-reader.ts';
import type { Headline, Snapshot } from '../live/snapshot.ts';
import type { FileSummary } from '../show/file-summary.ts';
import { summariseFile } from '../show/file-summary.ts';
import { formatFiles } from '../show/files-table.ts';
import { formatExpected } from '../show/expected-files.ts';
import { formatHeadlines } from '../show/headlines.ts';
import { formatManifest } from '../show/manifest-table.ts';
import { deployedFeeds, requireDeployed } from '../stack/deployed-feeds.ts';
import { isSelected, parseSince, parseStates, selectClosed } from '../status/select-files.ts';
import type { OpenStack } from '../stack/open-stack.ts';
import { openStack } from '../stack/open-stack.ts';
import { formatBytes, oneLine } from '../terminal/format.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { GlobalOptions } from './command-options.ts';
import { examples, feedOption, jsonOption } from './command-options.ts';
import { fileOfId } from './file-of-id.ts';

interface StatusOptions extends GlobalOptions {
  expected?: boolean;
  feed?: string;
  state?: FileState[];
  since?: number;
  limit: number;
  after?: string;
  json?: boolean;
}

/** Manifests read at once for a listing. */
const manifestsAtOnce = 10;

export function statusCommand(terminal: Terminal): Command {
  return new Command('status')
    .description('Show files in progress and done, or one file.')
    .argument('[file-id]', 'a file; its first digits are enough')
    .addOption(feedOption('only files of this feed'))
    .addOption(stateOption())
    .option(
      '--since <time>',
      'only files that arrived since: a time (2026-11-28T02:00Z) or a period (12h, 3d)',
      (text) => parseSince(text),
    )
    .option(
      '--limit <number>',
      'show at most this many finished files; all files in progress are shown',
      parseLimit,
      20,
    )
    .option('--expected', 'only the files that should arrive each day; exit code 2 if one is missing')
    .option('--after <file-id>', 'the next page: finished files that arrived before this one')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      examples(
        'status',
        'status traffic.7c2820ab',
        'status --feed traffic --since 12h',
        'status --state failed,quarantined --since 2026-11-01 --json | jq length',
        'status --limit 50 --after 7c28',
        'status --expected --json',
      ),
    )
    .action(async (fileId: string | undefined, _options, command: Command) => {
      const options = command.optsWithGlobals<StatusOptions>();
      const stack = await openStack(options.stack, process.env);
      if (options.feed !== undefined) requireDeployed(stack, options.feed);
      if (options.expected) process.exitCode = await showExpected(stack, options, terminal);
      else if (fileId === undefined) await showFiles(stack, options, terminal);
      else await showFile(stack, fileId, options, terminal);
    });
}

async function showFiles(stack: OpenStack, options: StatusOptions, terminal: Terminal): Promise<void> {
  const { feed, state: states, since: sinceMs, limit } = options;
  const after = options.after === undefined ? undefined : await fileOfId(stack, options.after);
  const query = { feeds: feed === undefined ? deployedFeeds(stack) : [feed], states, sinceMs, limit, after };
  const snapshot = await openReader(stack, feed, { shownFiles: Infinity }).look();
  // Later pages continue with finished files.
  const open = after ? [] : snapshot.files.filter((file) => isSelected(query, file.state, Date.parse(file.received)));
  const isOpen = new Set(snapshot.files.map(({ file_id: id }) => id));
  const { closed, next } = await selectClosed(query, isOpen, stack.ledger);
  const summaries = [...open.map(summaryOf), ...(await summariseClosed(stack, closed))];
  if (options.json) return terminal.printJson(summaries);
  const isFiltered = [states, sinceMs, after].some((each) => each !== undefined);
  if (!isFiltered && snapshot.expected_files.length > 0) {
    await terminal.print(`${formatExpected(snapshot.expected_files, terminal)}\n`);
  }
  if (summaries.length === 0) return terminal.note(noFiles(stack.target.stackName, options));
  const projected = new Map(snapshot.files.map((file) => [file.file_id, file.projected ?? undefined]));
  const when = { zone: snapshot.zone, now: Date.parse(snapshot.at) };
  const headlines = formatHeadlines(faultsIn(snapshot), terminal);
  await terminal.print(`${headlines}${formatFiles(summaries, when, (fileId) => projected.get(fileId))}`);
  if (next) terminal.note(`There are more: repeat the command with --after ${next.fileId}`);
}

/** @returns the exit code */
async function showExpected(stack: OpenStack, { feed, json }: StatusOptions, terminal: Terminal): Promise<number> {
  const { expected_files: expected, zone, at } = await openReader(stack, feed).look();
  const isComplete = !expected.some(isMissed);
  if (json) await terminal.printJson(expected);
  else if (expected.length === 0) terminal.note(`${stack.target.stackName} expects no files.`);
  else await terminal.print(`${formatExpected(expected, terminal)}Times in ${zoneText(zone, Date.parse(at))}.\n`);
  return isComplete ? exitCodes.clean : exitCodes.missingFiles;
}

function noFiles(stackName: string, { feed, state, since, after }: StatusOptions): string {
  const isFiltered = [feed, state, since, after].some((each) => each !== undefined);
  return isFiltered ? `${stackName} has no such files.` : `No file was dropped into ${stackName} yet.`;
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
  const limitPerSecond = snapshot.apis.find(({ feeds }) => feeds.includes(file.feed))?.limit?.per_second;
  const { text } = describeProgress({ file, pace: undefined, limitPerSecond });
  const name = `${oneLine(nameOfFile(file.source.key, file.bundle?.members), 60)} (${formatBytes(file.source.sizeBytes)})`;
  const about = faultsIn(snapshot).filter(({ file_id: id }) => id === null || id === file.fileId);
  const lines = [
    `${terminal.style('bold', name)}  ${file.state}`,
    `  ${text}`,
    ...(live?.projected == null ? [] : [`  ${live.projected}`]),
    `  times in ${zoneText(snapshot.zone, Date.parse(snapshot.at))}`,
  ];
  await terminal.print(`${formatHeadlines(about, terminal)}${lines.join('\n')}\n`);
}

/** What else there is to know; the files show their own progress. */
const faultsIn = ({ headlines }: Snapshot): Headline[] => headlines.filter(({ kind }) => kind !== 'progress');

function stateOption(): Option {
  const option = new Option('--state <states>', 'only files in these states, separated by commas').argParser(
    parseStates,
  );
  option.argChoices = [...fileStates];
  return option;
}

function parseLimit(text: string): number {
  if (/^[1-9][0-9]{0,3}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a number from 1 to 9999.');
}
