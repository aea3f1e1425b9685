import type { DeadMessage } from './dead-message.ts';
import type { ListedRecord } from './list-dead.ts';

/** An entry of a listing: a record that the ledger knows, or a message. */
export type DeadEntry = DeadMessage | ListedRecord;

/** As much of an entry as a listing shows. */
export type DeadExample = Pick<
  DeadEntry,
  'file_id' | 'source_file' | 'record' | 'line' | 'offset' | 'message_id' | 'error' | 'raw_encoding' | 'raw_payload'
> & { api_answer: string | null };

/** Entries that failed for the same reason. */
export interface ReasonGroup {
  outcome: string;
  reason: string;
  count: number;
  /** The fields at fault, the most frequent first. */
  fields: string[];
  /** The first one in file order. */
  example: DeadExample;
}

/** Only the beginning of a long record is shown. Characters; a multiple of four, so that base64 is cut between its groups. */
const maxShown = 2_000;
/** The most names of fields that are counted per reason: an API may name another one for each record. */
const maxFields = 200;

/** Counts entries by reason, and keeps an example of each: memory does not grow with their number. */
export class ReasonTally {
  readonly #groups = new Map<string, { group: Omit<ReasonGroup, 'fields'>; fields: Map<string, number> }>();
  readonly #files = new Set<string | null>();
  #count = 0;

  add(entry: DeadEntry): void {
    this.#count++;
    this.#files.add(entry.file_id);
    const key = `${entry.outcome} ${entry.reason}`;
    const known = this.#groups.get(key) ?? { group: newGroup(entry), fields: new Map<string, number>() };
    this.#groups.set(key, known);
    known.group.count++;
    if (byPlace(entry, known.group.example) < 0) known.group.example = exampleOf(entry);
    const { field } = entry;
    const times = field === null ? undefined : known.fields.get(field);
    if (field !== null && (times !== undefined || known.fields.size < maxFields))
      known.fields.set(field, (times ?? 0) + 1);
  }

  get count(): number {
    return this.#count;
  }

  /** Number of files that the entries are about. */
  get files(): number {
    return this.#files.size;
  }

  countOf(reason: string): number {
    const groups = [...this.#groups.values()].filter(({ group }) => group.reason === reason);
    return groups.reduce((sum, { group }) => sum + group.count, 0);
  }

  /** The most frequent reason first. */
  groups(): ReasonGroup[] {
    return [...this.#groups.values()]
      .map(({ group, fields }) => ({
        ...group,
        fields: [...fields].sort((a, b) => b[1] - a[1]).map(([field]) => field),
      }))
      .sort((a, b) => b.count - a.count || compare(a.reason, b.reason));
  }
}

export function tallyOf(entries: Iterable<DeadEntry>): ReasonTally {
  const tally = new ReasonTally();
  for (const entry of entries) tally.add(entry);
  return tally;
}

function newGroup(entry: DeadEntry): Omit<ReasonGroup, 'fields'> {
  return { outcome: entry.outcome ?? entry.kind, reason: entry.reason, count: 0, example: exampleOf(entry) };
}

function exampleOf(entry: DeadEntry): DeadExample {
  const { file_id, source_file, record, line, offset, message_id, error, raw_encoding, raw_payload } = entry;
  const answer = 'api_answer' in entry ? entry.api_answer : null;
  return {
    ...{ file_id, source_file, record, line, offset, message_id, raw_encoding },
    error: error.slice(0, maxShown),
    api_answer: answer?.slice(0, maxShown) ?? null,
    raw_payload: raw_payload?.slice(0, maxShown) ?? null,
  };
}

/** Sorted by file and position, so that two listings can be compared. */
export function inFileOrder<T extends DeadEntry>(entries: readonly T[]): T[] {
  return [...entries].sort(byPlace);
}

type Placed = Pick<DeadEntry, 'file_id' | 'record' | 'message_id'>;

function byPlace(a: Placed, b: Placed): number {
  return (
    compare(a.file_id ?? '', b.file_id ?? '') ||
    compare(a.record ?? 0, b.record ?? 0) ||
    compare(a.message_id ?? '', b.message_id ?? '')
  );
}

function compare<T extends string | number>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
