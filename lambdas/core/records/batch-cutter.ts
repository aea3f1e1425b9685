import type { CutBatch, CutLimits, CutPosition, Dialect } from './dialect.ts';
import { OversizeRecord } from './oversize-record.ts';
import type { ScanEnd } from './scan-record.ts';
import { newScanned, RecordScanner } from './scan-record.ts';

export interface CutWarning {
  code: string;
  message: string;
}

/**
 * Cuts a file's bytes into batches of whole records, a chunk at a time. The cuts depend on the bytes, the dialect and
 * the limits alone: not on how the chunks fall, nor on where a restart began.
 */
export class BatchCutter {
  readonly warnings: CutWarning[] = [];
  readonly #dialect: Dialect;
  readonly #limits: CutLimits;
  /** Bytes from the current batch's first record (or from where the scan stands) on. */
  #window: Buffer = Buffer.alloc(0);
  /** File offset of the window's first byte. */
  #base: number;
  /** Where in the window the next scan begins, and its physical line. */
  #scanAt = 0;
  #line: number;
  #record: number;
  #batch: number;
  #open: OpenBatch | undefined;
  #oversize: OversizeRecord | undefined;
  #position: CutPosition;
  #lastByte: number | undefined;
  readonly #scanned = newScanned();

  /** @param from where reading goes on: the body's start, or another cutter's position */
  constructor(dialect: Dialect, limits: CutLimits, from: CutPosition) {
    this.#dialect = dialect;
    this.#limits = limits;
    this.#base = from.offset;
    this.#line = from.line;
    this.#record = from.record;
    this.#batch = from.batch;
    this.#position = { ...from };
  }

  /** After the last batch that was given out: a cutter that begins here gives the ones that follow. */
  get position(): CutPosition {
    return this.#position;
  }

  /** Takes the bytes that follow, gives the batches that are complete with them. */
  push(chunk: Buffer): CutBatch[] {
    this.#lastByte = chunk.at(-1) ?? this.#lastByte;
    this.#window = this.#window.length === 0 ? chunk : Buffer.concat([this.#window, chunk]);
    return this.#cut(false);
  }

  /** The end of the file: gives what is left. */
  end(): CutBatch[] {
    const batches = this.#cut(true);
    if (this.#lastByte !== undefined && this.#lastByte !== 0x0a && this.#lastByte !== 0x0d) {
      this.warnings.push({
        code: 'no_final_line_break',
        message: 'The last line does not end with a line break: the file may have been cut short.',
      });
    }
    return batches;
  }

  #cut(atEnd: boolean): CutBatch[] {
    const batches: CutBatch[] = [];
    const scanner = new RecordScanner(this.#window, atEnd, this.#dialect, this.#limits.maxRecordBytes);
    for (;;) {
      if (this.#oversize && !this.#takeOversize(this.#oversize, atEnd, batches)) break;
      const end = scanner.scan(this.#scanAt, this.#scanned);
      if (end === 'oversize') this.#beginOversize(batches);
      else if (end === 'record') this.#addRecord(batches);
      else {
        this.#rest(end);
        break;
      }
    }
    if (atEnd) this.#close(batches);
    this.#forget();
    return batches;
  }

  #addRecord(batches: CutBatch[]): void {
    const { start, end, next, linesToStart, linesToNext } = this.#scanned;
    const { maxBatchBytes, maxBatchRecords } = this.#limits;
    if (this.#open && end - this.#open.start > maxBatchBytes) this.#close(batches);
    this.#record++;
    this.#open ??= {
      start,
      end,
      firstRecord: this.#record,
      firstLine: this.#line + linesToStart,
      records: 0,
      next,
      line: 0,
    };
    this.#open.end = end;
    this.#open.records++;
    this.#scanAt = next;
    this.#line += linesToNext;
    this.#open.next = next;
    this.#open.line = this.#line;
    if (this.#open.records === maxBatchRecords) this.#close(batches);
  }

  #close(batches: CutBatch[]): void {
    const open = this.#open;
    if (!open) return;
    this.#batch++;
    batches.push({
      kind: 'slice',
      batch: this.#batch,
      offset: this.#base + open.start,
      firstRecord: open.firstRecord,
      firstLine: open.firstLine,
      records: open.records,
      bytes: this.#window.subarray(open.start, open.end),
    });
    const record = open.firstRecord + open.records - 1;
    this.#position = { offset: this.#base + open.next, line: open.line, record, batch: this.#batch };
    this.#open = undefined;
  }

  /** Blank lines are behind us; a record that is not whole yet is scanned again with more bytes. */
  #rest(end: Exclude<ScanEnd, 'record' | 'oversize'>): void {
    this.#scanAt = end === 'none' ? this.#scanned.next : this.#scanned.start;
    this.#line += this.#scanned.linesToStart;
  }

  #beginOversize(batches: CutBatch[]): void {
    this.#close(batches);
    const { start, linesToStart } = this.#scanned;
    this.#line += linesToStart;
    this.#scanAt = start;
    const lineBreak = this.#dialect.format === 'csv' && this.#dialect.lineBreak === 'cr' ? 0x0d : 0x0a;
    this.#oversize = new OversizeRecord(this.#base + start, this.#line, lineBreak);
  }

  /** Runs through a record over the limit; false while it goes on behind the window. */
  #takeOversize(record: OversizeRecord, atEnd: boolean, batches: CutBatch[]): boolean {
    const taken = record.take(this.#window.subarray(this.#scanAt));
    this.#scanAt += taken.bytes;
    if (!taken.ended && !atEnd) return false;
    this.#record++;
    this.#batch++;
    if (taken.ended) this.#line++;
    batches.push(record.batch(this.#batch, this.#record));
    const offset = this.#base + this.#scanAt;
    this.#position = { offset, line: this.#line, record: this.#record, batch: this.#batch };
    this.#oversize = undefined;
    return true;
  }

  /** Lets go of the bytes that are in a batch. */
  #forget(): void {
    const keep = this.#open?.start ?? this.#scanAt;
    this.#window = this.#window.subarray(keep);
    this.#base += keep;
    this.#scanAt -= keep;
    if (!this.#open) return;
    this.#open.start -= keep;
    this.#open.end -= keep;
    this.#open.next -= keep;
  }
}

/** A batch that may still take records; places in the window. */
interface OpenBatch {
  start: number;
  end: number;
  firstRecord: number;
  firstLine: number;
  records: number;
  next: number;
  line: number;
}
