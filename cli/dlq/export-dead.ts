import type { FileAccount } from '../../lambdas/core/file-account.ts';
import type { OpenDead } from '../../lambdas/core/reconciliation-csv.ts';
import { csvHeader, csvLineBreak, csvRow, lastFailureOf, sourceRowOf } from '../../lambdas/core/reconciliation-csv.ts';
import type { ListPorts } from './list-dead.ts';
import type { Selection } from './select-dead.ts';
import { filesWithDead } from './select-dead.ts';

/**
 * The reconciliation CSV of a selection, line by line. The files are read twice, first for their columns: memory does
 * not grow with the number of dead letters.
 */
export async function* exportDead(selection: Selection, ports: ListPorts): AsyncGenerator<string> {
  const files = await filesWithDead(selection, ports.ledger);
  const columns = new Set<string>();
  for await (const open of openOf(files, selection, ports)) for (const name of columnsOf(open)) columns.add(name);
  const sourceColumns = [...columns];
  yield `${csvHeader(sourceColumns)}${csvLineBreak}`;
  for await (const open of openOf(files, selection, ports)) yield `${csvRow(open, sourceColumns)}${csvLineBreak}`;
}

async function* openOf(
  files: readonly FileAccount[],
  { reason }: Selection,
  { readDead }: ListPorts,
): AsyncGenerator<OpenDead> {
  for (const file of files) {
    for await (const open of readDead(file))
      if (reason === undefined || lastFailureOf(open).reason === reason) yield open;
  }
}

/** Of a CSV all that its header names, also where no row could be read: the desk fills them in. */
function columnsOf({ file: { dialect }, receipt }: OpenDead): Iterable<string> {
  if (dialect?.format === 'csv') return dialect.columns.filter((name) => name !== '');
  return sourceRowOf(receipt, dialect)?.cells.keys() ?? [];
}
