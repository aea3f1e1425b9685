import type { FileHandle } from 'node:fs/promises';
import { CsvColumns } from '../../lambdas/core/dead-letters/csv-columns.ts';
import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import type { PreparedRecord } from '../../lambdas/core/records/prepare-record.ts';
import { receiptOf } from '../../lambdas/core/account/receipt-of.ts';
import type { OpenDead } from '../../lambdas/core/dead-letters/reconciliation-csv.ts';
import { csvHeader, csvLineBreak, csvRow, fieldsOf } from '../../lambdas/core/dead-letters/reconciliation-csv.ts';

/** The columns of JSON are those of the first rejects; what later ones have beside them goes into one column. */
const looked = 1000;

/** The rejects as a CSV for a spreadsheet, in the form of the desk's list; as they come, so that memory does not grow. */
export class RejectsWriter {
  readonly #out: FileHandle;
  readonly #file: FileAccount;
  readonly #name: string;
  readonly #columns: CsvColumns;
  readonly #at: number;
  #waiting: OpenDead[] = [];
  #chosen: string[] | undefined;

  /** @param name of the file on this machine @param nowMs the time in each row */
  constructor(
    out: FileHandle,
    { file, name }: { file: FileAccount; name: string },
    declared: readonly string[],
    nowMs: number,
  ) {
    this.#out = out;
    this.#file = file;
    this.#name = name;
    this.#columns = new CsvColumns(declared);
    this.#at = nowMs;
  }

  async write(records: readonly PreparedRecord[]): Promise<void> {
    for (const record of records) {
      const done = { place: 0, at: this.#at, outcome: 'rejected' as const, status: null, attempts: 0 };
      this.#waiting.push({
        file: this.#file,
        receipt: { ...receiptOf(record, done), source_file: this.#name },
        dead: undefined,
      });
    }
    if (this.#chosen || this.#waiting.length >= looked) await this.#flush();
  }

  async end(): Promise<void> {
    await this.#flush();
    await this.#out.close();
  }

  async #flush(): Promise<void> {
    let text = '';
    if (!this.#chosen) {
      for (const open of this.#waiting) this.#columns.note(fieldsOf(open));
      this.#chosen = this.#columns.chosen();
      text = `${csvHeader(this.#chosen)}${csvLineBreak}`;
    }
    for (const open of this.#waiting) text += `${csvRow(open, this.#chosen)}${csvLineBreak}`;
    this.#waiting = [];
    await this.#out.write(text);
  }
}
