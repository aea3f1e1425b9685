import { Command, Option } from 'commander';
import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import { comparisonHeader, comparisonLine, notListedLine } from '../../lambdas/core/series/comparison-csv.ts';
import type { ListedChange } from '../../lambdas/core/series/read-comparison.ts';
import { changedFields } from '../../lambdas/core/series/read-comparison.ts';
import { countsText } from '../../lambdas/core/series/counts-text.ts';
import type { ChangeKind } from '../archive/find-changes.ts';
import { changeKinds, findChanges } from '../archive/find-changes.ts';
import { CliError } from '../cli-error.ts';
import { formatChange } from '../show/format-change.ts';
import { openStack } from '../stack/open-stack.ts';
import { formatCountOf, oneLine } from '../terminal/format.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { GlobalOptions } from './command-options.ts';
import { examples, fileIdArgument, jsonOption } from './command-options.ts';
import { fileOfId } from './file-of-id.ts';

interface ChangesOptions extends GlobalOptions {
  only?: ChangeKind;
  csv?: boolean;
  json?: boolean;
}

/** More than a person reads on a terminal; the other formats have all rows. */
const shownRows = 100;

export function changesCommand(terminal: Terminal): Command {
  return new Command('changes')
    .description('Print what a revision changes, compared with the one before: new, changed and removed records.')
    .addArgument(fileIdArgument())
    .addOption(new Option('--only <kind>', 'only these').choices(changeKinds))
    .addOption(new Option('--csv', 'print all of them as a CSV, as the archive has it').conflicts('json'))
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nA file that is held has its list before it is released. Records that were removed from the log are to be removed' +
        '\nfrom the schedule by hand; a moved spot is removed in its old place and new in the other.\n' +
        examples('changes traffic.7c2820ab', 'changes 7c28 --only removed --csv > remove.csv', 'changes 7c28 --json'),
    )
    .action(async (typed: string, _options, command: Command) => {
      const options = command.optsWithGlobals<ChangesOptions>();
      const stack = await openStack(options.stack, process.env);
      const file = await fileOfId(stack, typed);
      const rows = await findChanges(file, stack.archive);
      if (!rows) throw new CliError(whyNot(file));
      const wanted = only(options.only, rows);
      if (options.csv) await printCsv(wanted, terminal);
      else if (options.json) await terminal.printJson(await documentOf(file, wanted));
      else await printRows(file, wanted, terminal);
    });
}

function whyNot({ fileId, revision, supersededBy }: FileAccount): string {
  if (revision) return `There was no time to list what the file ${fileId} changes. ${countsText(revision.counts)}.`;
  const later = supersededBy ? ` The file ${supersededBy.fileId} was compared with it.` : '';
  return `The file ${fileId} was not compared with an earlier revision: all of its records are new.${later}`;
}

async function* only(kind: ChangeKind | undefined, rows: AsyncIterable<ListedChange>): AsyncGenerator<ListedChange> {
  for await (const row of rows) {
    const isKind = row.change === kind || (row.change === 'not listed' && kind !== 'removed');
    if (kind === undefined || isKind) yield row;
  }
}

async function printCsv(rows: AsyncIterable<ListedChange>, terminal: Terminal): Promise<void> {
  await terminal.print(comparisonHeader);
  for await (const row of rows) await terminal.print(lineOf(row));
}

function lineOf(row: ListedChange): string {
  const { change, earlier_file: fileId, earlier_record: record, note } = row;
  if (change === 'not listed') return notListedLine(note);
  return comparisonLine({
    change,
    ...(fileId === null || record === null ? {} : { earlier: { fileId, record } }),
    ...(row.record === null ? {} : { record: row.record }),
    identity: row.identity ?? undefined,
    before: row.before ?? '',
    after: row.after ?? '',
    note,
  });
}

async function documentOf(file: FileAccount, rows: AsyncIterable<ListedChange>): Promise<unknown> {
  const changes: unknown[] = [];
  for await (const row of rows) changes.push({ ...row, fields: changedFields(row, file.dialect) ?? null });
  const { unchanged, changed, added, removed } = file.revision?.counts ?? {};
  return {
    file_id: file.fileId,
    compared_with: file.revision?.bases.map(({ fileId }) => fileId) ?? [],
    ...{ unchanged_records: unchanged, changed_records: changed, new_records: added, removed_records: removed },
    changes,
  };
}

async function printRows(file: FileAccount, rows: AsyncIterable<ListedChange>, terminal: Terminal): Promise<void> {
  const { revision, source, dialect } = file;
  const before = revision?.bases[0]?.fileId ?? 'an earlier file';
  const figures = revision ? countsText(revision.counts) : '';
  await terminal.print(`${terminal.style('bold', oneLine(source.key, 80))}, compared with ${before}\n${figures}\n\n`);
  let printed = 0;
  let left = 0;
  for await (const row of rows) {
    if (printed < shownRows || row.change === 'not listed') await terminal.print(formatChange(row, dialect, terminal));
    if (printed < shownRows) printed++;
    else left++;
  }
  if (left > 0) terminal.note(`${formatCountOf(left, 'more row')}: --csv or --json prints them all.`);
}
