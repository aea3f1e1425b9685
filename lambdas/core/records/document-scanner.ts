import type { Buffer } from 'node:buffer';
import type { Found, RecordScanner } from './record-scanner.ts';

/** One JSON document: everything to the file's end is one record. */
export class DocumentScanner implements RecordScanner {
  start = 0;
  end = 0;
  next = 0;
  linesBefore = 0;
  lines = 0;
  readonly headersBefore = 0;
  readonly linesBeforeHeader = 0;
  readonly otherHeader = undefined;
  readonly #maxRecordBytes: number;

  constructor(maxRecordBytes: number) {
    this.#maxRecordBytes = maxRecordBytes;
  }

  find(bytes: Buffer, from: number, atEnd: boolean): Found {
    this.start = from;
    this.end = bytes.length;
    this.next = bytes.length;
    if (bytes.length - from > this.#maxRecordBytes) return 'oversize';
    if (!atEnd) return 'more';
    return bytes.length > from ? 'record' : 'end';
  }

  skim(): number {
    return 0;
  }

  pass(bytes: Buffer, _from: number, atEnd: boolean): boolean {
    this.end = bytes.length;
    this.next = bytes.length;
    return atEnd;
  }

  endWarning(): null {
    return null;
  }
}
