import type { RegisteredFeed } from '../../feeds/feed.ts';
import { CsvColumns } from '../../lambdas/core/dead-letters/csv-columns.ts';
import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import type { OpenDead } from '../../lambdas/core/dead-letters/reconciliation-csv.ts';
import {
  csvHeader,
  csvLineBreak,
  csvRow,
  fieldsOf,
  lastFailureOf,
} from '../../lambdas/core/dead-letters/reconciliation-csv.ts';
import { deadOfFiles } from '../../lambdas/dead-letters/read-dead-records.ts';
import type { ListPorts } from './list-dead.ts';
import type { Selection } from './select-dead.ts';
import { isLeftOut, selectFilesWithDead } from './select-dead.ts';

export interface ExportPorts extends ListPorts {
  feedNamed: (name: string) => Pick<RegisteredFeed, 'columns'>;
}

/**
 * The reconciliation CSV of a selection, line by line. The files are read twice, the first time for their columns, so that
 * memory does not grow with the number of dead letters.
 */
export async function* exportDead(selection: Selection, ports: ExportPorts): AsyncGenerator<string> {
  const files = await selectFilesWithDead(selection, ports.ledger);
  const columns = new CsvColumns(ports.feedNamed(selection.feed).columns);
  for await (const { file, records } of deadOfFiles(files, (file) => openOf(file, selection, ports))) {
    let count = 0;
    for await (const open of records) {
      count++;
      if (file.dialect?.format !== 'csv') columns.note(fieldsOf(open));
    }
    // For CSV every column of the header, even if no row could be read: the desk fills them in.
    if (file.dialect?.format === 'csv' && count > 0) columns.note(file.dialect.columns, count);
  }
  const sourceColumns = columns.chosen();
  yield `${csvHeader(sourceColumns)}${csvLineBreak}`;
  for await (const { records } of deadOfFiles(files, (file) => openOf(file, selection, ports))) {
    for await (const open of records) yield `${csvRow(open, sourceColumns)}${csvLineBreak}`;
  }
}

async function* openOf(file: FileAccount, selection: Selection, { readDead }: ListPorts): AsyncGenerator<OpenDead> {
  for await (const open of readDead(file)) {
    if (selection.reason !== undefined && lastFailureOf(open).reason !== selection.reason) continue;
    if (!isLeftOut(selection, file.fileId, open.receipt.record)) yield open;
  }
}
