import type { FileAccount, SourceObject } from '../core/account/file-account.ts';
import { ControlFileError } from '../core/control/control-file-error.ts';
import type { ControlDifferences } from '../core/control/control-differences.ts';
import { OddRows, rowDifferences } from '../core/control/control-differences.ts';
import { RowCounts } from '../core/control/row-counts.ts';
import { BatchCutter, startOf } from '../core/records/batch-cutter.ts';
import type { CutRecord } from '../core/records/cut-slice.ts';
import { cutSlice } from '../core/records/cut-slice.ts';
import type { CsvDialect, CutBatch, Dialect } from '../core/records/dialect.ts';
import { visibleText } from '../core/records/visible-text.ts';
import { parseRecord } from '../core/records/parse-record.ts';
import { readSourceRow } from '../core/records/source-row.ts';
import type { CompareControlPorts, ControlledContent } from './controlled-content.ts';
import { cutContent } from './controlled-content.ts';
import { readDialect } from './read-dialect.ts';

/** In the memory of the function that compares: 28 bytes for each. */
const maxRows = 10_000_000;

/** Of a column's name in a sentence. */
const maxNameCharacters = 40;

/** Of a control file: its rows are short. */
const controlLimits: FileAccount['limits'] = {
  maxBatchRecords: 500,
  maxBatchBytes: 256 * 1024,
  maxRecordBytes: 64 * 1024,
};

interface ControlTable {
  source: SourceObject;
  dialect: CsvDialect;
}

/**
 * Compares the records of a file with the rows of a control file: the values of its columns, as they are written. The
 * order does not matter; a row that is there twice must be there twice in the file. Undefined if they are the same.
 * @throws ControlFileError if the control file can't be read as a table of columns that the file has
 */
export async function compareRows(
  control: SourceObject,
  file: ControlledContent,
  whole: Buffer | undefined,
  ports: CompareControlPorts,
): Promise<ControlDifferences | 'out-of-time' | undefined> {
  const table: ControlTable = { source: control, dialect: await readTable(control, ports) };
  const columns = columnsOf(table.dialect, file.dialect);
  const rows = await countRows(table, ports);
  if (rows === 'out-of-time') return rows;
  const counts = new RowCounts(rows);
  for await (const read of rowsOf(table, ports)) {
    if (read === 'out-of-time') return read;
    for (const { values } of read) counts.add(values);
  }
  const odd = new OddRows();
  const extra = file.dialect
    ? await takeRecords({ ...file, dialect: file.dialect }, whole, columns, counts, odd, ports)
    : 0;
  if (extra === 'out-of-time') return extra;
  const missing = counts.left;
  if (missing + extra === 0) return undefined;
  if ((await listMissing(table, counts, odd, ports)) === 'out-of-time') return 'out-of-time';
  return rowDifferences(odd, columns, { missing, extra });
}

/** How a control file with rows is read. @throws ControlFileError if it is no table */
export async function readTable(source: SourceObject, { sources, encoding }: CompareControlPorts): Promise<CsvDialect> {
  const read = await readDialect({ source }, undefined, { sources, feed: { formats: ['csv'], columns: [], encoding } });
  if (read.kind === 'empty') throw new ControlFileError('It is empty.');
  // A file's content is decompressed before it is read like this; a control file's never is.
  if (read.kind === 'refused' && read.code === 'gzip') throw new ControlFileError('It is compressed: drop it as text.');
  if (read.kind === 'refused') throw new ControlFileError(read.message.replace(/^The file\b/, 'It'));
  if (read.dialect.format !== 'csv') throw new ControlFileError('It is not CSV.');
  return read.dialect;
}

/** The columns that are compared. @throws ControlFileError if one has no name, is there twice, or is not the file's */
function columnsOf(control: CsvDialect, file: Dialect | undefined): readonly string[] {
  const { columns, ambiguousColumns: [twice] = [] } = control;
  if (columns.includes('')) throw new ControlFileError('Its header has a column without a name.');
  if (twice !== undefined)
    throw new ControlFileError(`Its header has the column "${visibleText(twice, maxNameCharacters)}" more than once.`);
  if (file?.format !== 'csv') return columns;
  const unknown = columns.find((name) => !file.columns.includes(name) || file.ambiguousColumns?.includes(name));
  if (unknown !== undefined) {
    const name = visibleText(unknown, maxNameCharacters);
    throw new ControlFileError(`It has the column "${name}", which the file does not have, or more than once.`);
  }
  return columns;
}

async function countRows(
  { source, dialect }: ControlTable,
  ports: CompareControlPorts,
): Promise<number | 'out-of-time'> {
  const cutter = new BatchCutter(dialect, controlLimits, startOf(dialect));
  for await (const _ of cutContent(cutter, { source }, undefined, ports.sources)) {
    if (!(await ports.goesOn())) return 'out-of-time';
    if (cutter.position.record > maxRows) throw new ControlFileError(`It has more than ${maxRows} rows.`);
  }
  return cutter.position.record;
}

interface ControlRow {
  line: number;
  values: string[];
}

/** The control file's rows, in steps. @throws ControlFileError if one can't be read */
async function* rowsOf(table: ControlTable, ports: CompareControlPorts): AsyncGenerator<ControlRow[] | 'out-of-time'> {
  const { source, dialect } = table;
  const cutter = new BatchCutter(dialect, controlLimits, startOf(dialect));
  for await (const batches of cutContent(cutter, { source }, undefined, ports.sources)) {
    yield batches.flatMap((batch) => rowsIn(batch, dialect));
    if (!(await ports.goesOn())) yield 'out-of-time';
  }
}

function rowsIn(batch: CutBatch, dialect: CsvDialect): ControlRow[] {
  if (batch.kind === 'oversize') {
    throw new ControlFileError(`Its line ${batch.firstLine} has ${batch.length} bytes; 64 KiB are allowed.`);
  }
  return cutSlice(batch, dialect, controlLimits).map(({ bytes, line, problem }) => {
    const parsed = parseRecord(bytes, dialect, { line });
    const fault = problem ?? (parsed.kind === 'problem' ? parsed.problem : undefined);
    if (fault || parsed.kind === 'problem') throw new ControlFileError(`Its line ${line}: ${fault?.message ?? ''}.`);
    return { line, values: dialect.columns.map((name) => String(parsed.row[name])) };
  });
}

/** Takes each record's row from the counts. Returns how many had none. */
async function takeRecords(
  file: ControlledContent & { dialect: Dialect },
  whole: Buffer | undefined,
  columns: readonly string[],
  counts: RowCounts,
  odd: OddRows,
  ports: CompareControlPorts,
): Promise<number | 'out-of-time'> {
  let extra = 0;
  const cutter = new BatchCutter(file.dialect, file.limits, startOf(file.dialect));
  for await (const batches of cutContent(cutter, file, whole, ports.sources)) {
    for (const batch of batches) {
      for (const { record, values } of recordsIn(batch, file, columns)) {
        if (values && counts.take(values)) continue;
        extra++;
        odd.add({ kind: 'extra', place: `record ${record}`, values: values ?? [] });
      }
    }
    if (!(await ports.goesOn())) return 'out-of-time';
  }
  return extra;
}

/** Without values: the record can't be read, so no row of a control file is the same. */
function recordsIn(
  batch: CutBatch,
  { dialect, limits }: ControlledContent & { dialect: Dialect },
  columns: readonly string[],
): { record: number; values: string[] | undefined }[] {
  if (batch.kind === 'oversize') return [{ record: batch.firstRecord, values: undefined }];
  return cutSlice(batch, dialect, limits).map((cut) => ({
    record: cut.record,
    values: valuesOf(cut, dialect, columns),
  }));
}

function valuesOf({ bytes, problem }: CutRecord, dialect: Dialect, columns: readonly string[]): string[] | undefined {
  const read = problem ? undefined : readSourceRow(bytes, dialect);
  // CSV has no null, and no field that is not there.
  return read && columns.map((name) => (read.row[name] === null ? '' : (read.cells.get(name) ?? '')));
}

/** Lists the control file's rows that no record was taken for. */
async function listMissing(
  table: ControlTable,
  counts: RowCounts,
  odd: OddRows,
  ports: CompareControlPorts,
): Promise<'out-of-time' | undefined> {
  if (counts.left === 0) return undefined;
  for await (const read of rowsOf(table, ports)) {
    if (read === 'out-of-time') return read;
    for (const { line, values } of read) {
      if (counts.take(values) && !odd.add({ kind: 'missing', place: `line ${line}`, values })) return undefined;
    }
    if (counts.left === 0) return undefined;
  }
  return undefined;
}
