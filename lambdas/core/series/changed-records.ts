import { shownCell } from '../dead-letters/reconciliation-csv.ts';
import { decodeText } from '../records/decode-text.ts';
import type { Dialect } from '../records/dialect.ts';
import type { PreparedRecord } from '../records/prepare-record.ts';
import type { EarlierRecord, NotedChange } from './revision-plan.ts';

/** New and changed records that a comparison lists; the others are only counted. */
export const maxListedRecords = 100_000;

/** Characters of all of their texts: they are in the splitter's memory until they are sorted. */
export const maxListedCharacters = 32 * 1024 * 1024;

/** A record of a revision that the API does not have as it is. */
export interface ChangedRecord {
  record: number;
  identity: readonly string[];
  /** As a cell shows it. */
  text: string;
  /** What it was before. Absent for a new record. */
  earlier?: EarlierRecord;
}

/** The new and changed records of a revision, in the order of the file, as far as they fit into memory. */
export class ChangedRecords {
  readonly listed: ChangedRecord[] = [];
  /** Those that do not fit. */
  unlisted = 0;
  readonly #encoding: Dialect['encoding'];
  #room: number;

  constructor({ encoding }: Dialect, room = maxListedCharacters) {
    this.#encoding = encoding;
    this.#room = room;
  }

  /** The same records are kept whatever the size of the chunks in which the file was read. */
  add({ record, bytes, result }: PreparedRecord, { earlier }: NotedChange): void {
    if (result.kind !== 'good') return;
    const { identity } = result;
    // Once one does not fit, none of the following ones is listed.
    const isFull = this.unlisted > 0 || this.listed.length >= maxListedRecords;
    const text = isFull ? '' : cellOf(bytes, this.#encoding);
    this.#room -= identity.reduce((sum, value) => sum + value.length, text.length);
    if (isFull || this.#room < 0) this.unlisted++;
    else this.listed.push({ record, identity, text, ...(earlier ? { earlier } : {}) });
  }
}

/** A record's text for a cell. */
export function cellOf(bytes: Buffer, encoding: Dialect['encoding']): string {
  return shownCell(decodeText(bytes, encoding) ?? bytes.toString('utf8'));
}
