import type { DeadMessage } from './dead-message.ts';
import type { ListedRecord } from './list-dead.ts';

/** An entry of a listing: a record that the ledger knows, or a message. */
export type DeadEntry = DeadMessage | ListedRecord;

/** Entries that failed for the same reason. */
export interface ReasonGroup {
  outcome: string;
  reason: string;
  count: number;
  /** The fields at fault, the most frequent first. */
  fields: string[];
  /** The first ones in file order. */
  example: DeadEntry;
}

/** Sorted by file and position, so that two listings can be compared. */
export function inFileOrder<T extends DeadEntry>(messages: readonly T[]): T[] {
  return [...messages].sort(
    (a, b) =>
      compare(a.file_id ?? '', b.file_id ?? '') ||
      compare(a.record ?? 0, b.record ?? 0) ||
      compare(a.message_id ?? '', b.message_id ?? ''),
  );
}

/** The most frequent reason first. */
export function groupByReason(messages: readonly DeadEntry[]): ReasonGroup[] {
  const groups = Map.groupBy(inFileOrder(messages), ({ outcome, reason }) => `${outcome} ${reason}`);
  return [...groups.values()]
    .map((members): ReasonGroup => {
      const example = members[0] as DeadEntry;
      const named = members.flatMap(({ field }) => (field === null ? [] : [field]));
      const fields = [...Map.groupBy(named, (field) => field)].sort((a, b) => b[1].length - a[1].length);
      return {
        outcome: example.outcome ?? example.kind,
        reason: example.reason,
        count: members.length,
        fields: fields.map(([field]) => field),
        example,
      };
    })
    .sort((a, b) => b.count - a.count || compare(a.reason, b.reason));
}

function compare<T extends string | number>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
