import type { Clock } from '../../lambdas/ports.ts';
import type { ListedRecord, ListPorts } from '../dlq/list-dead.ts';
import { listDead } from '../dlq/list-dead.ts';

/** An open dead letter, as short as a list needs it. */
export type DeadEntry = Pick<
  ListedRecord,
  | 'file_id'
  | 'file_is_cancelled'
  | 'source_file'
  | 'record'
  | 'line'
  | 'outcome'
  | 'reason'
  | 'field'
  | 'http_status'
  | 'last_failure'
> & {
  error: string;
  api_answer: string | null;
  /** The beginning of the record. */
  excerpt: string;
};

/** A selection of a feed's open dead letters; all of them if nothing else is named. */
export interface DeadFilter {
  feed: string;
  /** Part of the record, the sentence, the API's answer, an id or the file's name; or the record's number. */
  text?: string | undefined;
  reason?: string | undefined;
  field?: string | undefined;
  fileId?: string | undefined;
}

export interface DeadFound {
  /** When the ledger was read. Milliseconds since 1970. */
  at: number;
  /** By file and position. */
  entries: DeadEntry[];
  /** There are more, which were not read. */
  isPartial: boolean;
}

/** About 500 bytes each. */
const maxEntries = 200_000;
const maxSentence = 400;
const maxExcerpt = 200;
/** A list is read again after this time, or after ten times as long as reading it took. Milliseconds. */
const freshForMs = 10_000;
const keptSearches = 4;

/**
 * A feed's open dead letters, read once for all pages of a list. The whole text of each record is searched while it is
 * read; what is kept of it is short.
 */
export class DeadIndex {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #known = new Map<string, { found: Promise<DeadFound>; until: number }>();

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  /** Those that the filter's feed and text select. */
  async search({ feed, text = '' }: DeadFilter, ports: ListPorts): Promise<DeadFound> {
    const wanted = text.trim().toLowerCase();
    const key = JSON.stringify([feed, wanted]);
    const known = this.#known.get(key);
    if (known && this.#clock.now() < known.until) return known.found;
    const found = this.#read(feed, wanted, ports);
    const entry = { found, until: Infinity };
    this.#known.delete(key);
    this.#known.set(key, entry);
    for (const oldest of [...this.#known.keys()].slice(0, -keptSearches)) this.#known.delete(oldest);
    const begun = this.#clock.now();
    try {
      await found;
      const now = this.#clock.now();
      entry.until = now + Math.max(freshForMs, 10 * (now - begun));
    } catch (error) {
      if (this.#known.get(key) === entry) this.#known.delete(key);
      throw error;
    }
    return found;
  }

  /** Something was done with a feed's letters: the next list is read again. */
  forget(): void {
    this.#known.clear();
  }

  async #read(feed: string, wanted: string, ports: ListPorts): Promise<DeadFound> {
    const found: DeadFound = { at: this.#clock.now(), entries: [], isPartial: false };
    const texts = new SharedTexts();
    for await (const record of listDead({ feed }, ports)) {
      const raw = textOf(record);
      if (wanted !== '' && !hasText(record, raw, wanted)) continue;
      if (found.entries.length === maxEntries) return { ...found, isPartial: true };
      found.entries.push(entryOf(record, raw, texts));
    }
    return found;
  }
}

/** Those of the entries that the rest of the filter selects. */
export function selectEntries(
  entries: readonly DeadEntry[],
  { reason, field, fileId }: Omit<DeadFilter, 'feed' | 'text'>,
): DeadEntry[] {
  return entries.filter(
    (entry) =>
      (reason === undefined || entry.reason === reason) &&
      (field === undefined || fieldOf(entry) === field) &&
      (fileId === undefined || entry.file_id === fileId),
  );
}

/** In a filter, a dash selects the letters without a field. */
export const fieldOf = ({ field }: Pick<DeadEntry, 'field'>): string => field ?? '-';

function hasText(record: ListedRecord, raw: string, wanted: string): boolean {
  if (String(record.record) === wanted) return true;
  const { error, api_answer: answer, request_id: requestId, source_file: file, file_id: fileId, correction } = record;
  return [raw, error, answer, requestId, file, fileId, correction?.id].some((text) =>
    text?.toLowerCase().includes(wanted),
  );
}

/** The record as text: of one that is too long for its letter, the head. */
function textOf({ raw_encoding: encoding, raw_payload: payload }: ListedRecord): string {
  if (payload === null) return '';
  return encoding === 'text' ? payload : Buffer.from(payload, 'base64').toString('utf8');
}

function entryOf(record: ListedRecord, raw: string, texts: SharedTexts): DeadEntry {
  const { file_is_cancelled, line, http_status, last_failure, field, api_answer: answer } = record;
  return {
    ...{ file_is_cancelled, record: record.record, line, http_status, last_failure },
    file_id: texts.one(record.file_id),
    source_file: texts.one(record.source_file),
    outcome: texts.one(record.outcome),
    reason: texts.one(record.reason),
    field: field === null ? null : texts.one(field),
    error: texts.one(beginningOf(record.error, maxSentence)),
    api_answer: answer === null ? null : texts.one(beginningOf(answer, maxSentence)),
    excerpt: beginningOf(raw, maxExcerpt),
  };
}

/** A copy: V8 makes a slice refer to the whole text, which would be kept as long as the slice. */
function beginningOf(text: string, length: number): string {
  return text.length <= length ? text : Buffer.from(text.slice(0, length), 'utf16le').toString('utf16le');
}

/** The most texts that are shared: an API may answer something else for each record. */
const maxShared = 1_000;

/** One copy of each text that many letters have in common: a list of 100,000 has few reasons, files and sentences. */
class SharedTexts {
  readonly #known = new Map<string, string>();

  one(text: string): string {
    const known = this.#known.get(text);
    if (known !== undefined || this.#known.size >= maxShared) return known ?? text;
    this.#known.set(text, text);
    return text;
  }
}
