import { Buffer } from 'node:buffer';
import type { OtherHeader } from './describe-header.ts';
import { describeOtherHeader } from './describe-header.ts';
import type {
  CutBatch,
  CutLimits,
  CutPosition,
  Dialect,
  OtherHeaderPlace,
  RepeatedHeaders,
  SliceBatch,
} from './dialect.ts';
import { OversizeRecord } from './oversize-record.ts';
import type { CutWarning, RecordScanner } from './record-scanner.ts';
import { scannerOf } from './choose-scanner.ts';
import { Window } from './window.ts';

/**
 * Cuts a file, given in chunks of any size, into batches of whole records. The batches depend only on the file's bytes,
 * the dialect and the limits. Holds one batch, one record and one chunk at a time, for records of any length.
 *
 * A batch closes at `maxBatchRecords`, or before the record whose end would make its slice exceed `maxBatchBytes`. A
 * record over `maxRecordBytes` is a batch of its own. Blank lines within a slice count towards its size; blank lines
 * between slices are in none.
 */
export class BatchCutter {
  readonly #scanner: RecordScanner;
  readonly #limits: CutLimits;
  readonly #window: Window;
  #position: CutPosition;
  /** Physical line at the window's position. */
  #line: number;
  #gathered: Gathered = {
    records: 0,
    start: 0,
    firstLine: 0,
    end: 0,
    next: 0,
    nextLine: 0,
    headers: undefined,
    otherHeader: undefined,
  };
  /** Repeated headers before the window's position. */
  #headers: RepeatedHeaders | undefined;
  #otherHeader: OtherHeaderPlace | undefined;
  readonly #describeOther: (other: OtherHeader, line: number) => string;
  #oversize: OversizeRecord | undefined;
  /** Below this many bytes, scanning an unfinished record again is not worth it. */
  #nextLookBytes = 0;
  #cut: CutBatch[] = [];

  constructor(dialect: Dialect, limits: CutLimits, from: CutPosition) {
    this.#scanner = scannerOf(dialect, limits);
    this.#limits = limits;
    this.#window = new Window(from.offset);
    this.#position = from;
    this.#line = from.line;
    this.#headers = from.headers;
    this.#otherHeader = from.otherHeader;
    this.#describeOther = (other, line) => (dialect.format === 'csv' ? describeOtherHeader(other, dialect, line) : '');
  }

  /**
   * The position after the last returned batch. A new cutter from here, given the bytes from its offset on, makes the
   * following batches.
   */
  get position(): CutPosition {
    return this.#position;
  }

  /** Set if another header was met so far: the batches from it on must not be sent. */
  get otherHeader(): OtherHeaderPlace | undefined {
    return this.#otherHeader;
  }

  /** Warnings about the file as a whole; complete after `end`. */
  get warnings(): CutWarning[] {
    const warning = this.#scanner.endWarning();
    return [...(this.#headers ? [headersWarning(this.#headers)] : []), ...(warning ? [warning] : [])];
  }

  /** Takes the following bytes and returns the batches that they complete. Slices may share the chunk's memory. */
  push(chunk: Buffer): CutBatch[] {
    return this.#goOn(chunk, false);
  }

  /** The file has ended: returns the remaining batches. */
  end(): CutBatch[] {
    return this.#goOn(Buffer.alloc(0), true);
  }

  #goOn(chunk: Buffer, atEnd: boolean): CutBatch[] {
    this.#window.append(chunk);
    this.#cut = [];
    if (atEnd || this.#window.unread >= this.#nextLookBytes) while (this.#step(atEnd));
    const cut = this.#cut;
    this.#cut = [];
    return cut;
  }

  /** Passes gathered records up to a batch's end, or an oversize record; false if that needs more bytes. */
  #step(atEnd: boolean): boolean {
    return this.#oversize ? this.#passOversize(this.#oversize, atEnd) : this.#gather(atEnd);
  }

  #gather(atEnd: boolean): boolean {
    const scanner = this.#scanner;
    const window = this.#window;
    const { bytes, base } = window;
    const { maxBatchRecords, maxBatchBytes } = this.#limits;
    const gathered = this.#gathered;
    for (;;) {
      this.#skim();
      const found = scanner.find(bytes, window.at, atEnd);
      const start = base + scanner.start;
      if (scanner.headersBefore > 0) this.#countHeaders();
      this.#line += scanner.linesBefore;
      window.at = scanner.start;
      if (found === 'record') {
        const end = base + scanner.end;
        if (scanner.otherHeader && !this.#otherHeader) this.#meetOtherHeader(scanner.otherHeader);
        if (gathered.records > 0 && end - gathered.start > maxBatchBytes) this.#closeBatch();
        if (gathered.records === 0) {
          gathered.start = start;
          gathered.firstLine = this.#line;
        }
        this.#line += scanner.lines;
        window.at = scanner.next;
        gathered.records++;
        gathered.end = end;
        gathered.next = base + scanner.next;
        gathered.nextLine = this.#line;
        gathered.headers = this.#headers;
        gathered.otherHeader = this.#otherHeader;
        if (gathered.records === maxBatchRecords) this.#closeBatch();
        continue;
      }
      // The next record would end too far from the slice's start in any case: the batch need not be kept for it.
      const isFull = gathered.records > 0 && start - gathered.start >= maxBatchBytes;
      if (found !== 'more' || isFull) this.#closeBatch();
      window.forget(gathered.records > 0 ? gathered.start : start);
      if (found === 'oversize') {
        this.#oversize = new OversizeRecord(start, this.#line);
        return true;
      }
      // Scanning again only after the bytes have doubled keeps the work linear if a long record comes in small chunks.
      this.#nextLookBytes = Math.min(2 * window.unread, this.#limits.maxRecordBytes + 3);
      return false;
    }
  }

  /** Gathers records while they are found at little cost: all of a file's, except unusual ones. */
  #skim(): void {
    const scanner = this.#scanner;
    const window = this.#window;
    const { bytes, base } = window;
    const { maxBatchRecords, maxBatchBytes } = this.#limits;
    const gathered = this.#gathered;
    do {
      if (gathered.records === maxBatchRecords) this.#closeBatch();
      const start = gathered.records > 0 ? gathered.start : base + window.at;
      const most = maxBatchRecords - gathered.records;
      const records = scanner.skim(bytes, window.at, start - base + maxBatchBytes, most);
      if (records === 0) return;
      if (gathered.records === 0) {
        gathered.start = start;
        gathered.firstLine = this.#line;
      }
      this.#line += scanner.lines;
      window.at = scanner.next;
      gathered.records += records;
      gathered.end = base + scanner.end;
      gathered.next = base + scanner.next;
      gathered.nextLine = this.#line;
      gathered.headers = this.#headers;
      gathered.otherHeader = this.#otherHeader;
    } while (gathered.records === maxBatchRecords);
  }

  #countHeaders(): void {
    const { headersBefore, linesBeforeHeader } = this.#scanner;
    const { count, firstLine } = this.#headers ?? { count: 0, firstLine: this.#line + linesBeforeHeader };
    this.#headers = { count: count + headersBefore, firstLine };
  }

  /** The rows from here on belong to another export: their batches are separate from those before. */
  #meetOtherHeader(other: OtherHeader): void {
    this.#closeBatch();
    const { record, batch } = this.#position;
    const message = `${this.#describeOther(other, this.#line)} Nothing from that line on is sent: drop it as a file of its own.`;
    this.#otherHeader = { line: this.#line, record, batch, message };
  }

  #passOversize(oversize: OversizeRecord, atEnd: boolean): boolean {
    const scanner = this.#scanner;
    const window = this.#window;
    const isOver = scanner.pass(window.bytes, window.at, atEnd);
    oversize.add(window.bytes.subarray(window.at, scanner.end));
    window.at = isOver ? scanner.next : scanner.end;
    this.#line += scanner.lines;
    window.forget(window.base + window.at);
    this.#nextLookBytes = 0;
    if (!isOver) return false;
    this.#oversize = undefined;
    const { record, batch } = this.#position;
    this.#cut.push(oversize.finish({ batch: batch + 1, firstRecord: record + 1 }));
    this.#position = {
      offset: window.base + window.at,
      line: this.#line,
      record: record + 1,
      batch: batch + 1,
      ...(this.#headers ? { headers: this.#headers } : {}),
      ...(this.#otherHeader ? { otherHeader: this.#otherHeader } : {}),
    };
    return true;
  }

  #closeBatch(): void {
    const gathered = this.#gathered;
    if (gathered.records === 0) return;
    const { record, batch } = this.#position;
    const slice: SliceBatch = {
      kind: 'slice',
      batch: batch + 1,
      offset: gathered.start,
      firstRecord: record + 1,
      firstLine: gathered.firstLine,
      records: gathered.records,
      bytes: this.#window.slice(gathered.start, gathered.end),
    };
    this.#cut.push(slice);
    this.#position = {
      offset: gathered.next,
      line: gathered.nextLine,
      record: record + gathered.records,
      batch: batch + 1,
      ...(gathered.headers ? { headers: gathered.headers } : {}),
      ...(gathered.otherHeader ? { otherHeader: gathered.otherHeader } : {}),
    };
    gathered.records = 0;
  }
}

/** The records of the next batch, as positions in the file; headers are those before `next`. */
interface Gathered {
  records: number;
  start: number;
  firstLine: number;
  end: number;
  next: number;
  nextLine: number;
  headers: RepeatedHeaders | undefined;
  otherHeader: OtherHeaderPlace | undefined;
}

function headersWarning({ count, firstLine }: RepeatedHeaders): CutWarning {
  const message =
    count === 1
      ? `The header is repeated in line ${firstLine}, and was skipped there: the file was combined from two.`
      : `The header is repeated ${count} times, first in line ${firstLine}, and was skipped there: the file was combined from several.`;
  return { code: 'repeated_header', message };
}

export function startOf(dialect: Dialect): CutPosition {
  return { offset: dialect.bodyOffset, line: dialect.bodyLine, record: 0, batch: 0 };
}
