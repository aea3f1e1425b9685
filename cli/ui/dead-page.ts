import { describeOutlook } from '../dlq/redrive-outlook.ts';
import type { DeadEntry, DeadFilter, DeadFound } from './dead-index.ts';
import { fieldOf, selectEntries } from './dead-index.ts';

/** One page of the list of dead letters, with the numbers for its filters. */
export interface DeadPage {
  feed: string;
  at: string;
  /** Letters that the filter selects. */
  matching: number;
  /** What a redrive of these can be expected to do, in sentences. */
  outlook: string[];
  /** There are more, which were not read. */
  is_partial: boolean;
  page: number;
  pages: number;
  entries: DeadEntry[];
  /** The values of each filter, under the others, the most frequent first. */
  reasons: Choice[];
  fields: Choice[];
  files: Choice[];
}

export interface Choice {
  value: string;
  name: string;
  count: number;
}

export const entriesPerPage = 50;
/** A list to choose from; the selected one is always among them. */
const maxChoices = 100;

/** @param page from 1; one that is past the end becomes the last */
export function listPage(found: DeadFound, filter: DeadFilter, page: number): DeadPage {
  const matching = selectEntries(found.entries, filter);
  const pages = Math.max(1, Math.ceil(matching.length / entriesPerPage));
  const shown = Number.isInteger(page) ? Math.min(Math.max(1, page), pages) : 1;
  const without = (name: 'reason' | 'field' | 'fileId') =>
    selectEntries(found.entries, { ...filter, [name]: undefined });
  return {
    feed: filter.feed,
    at: new Date(found.at).toISOString(),
    matching: matching.length,
    outlook: describeOutlook(
      matching.map(({ outcome, reason, file_is_cancelled: isCancelled }) => ({
        ...{ outcome, reason, count: 1, ofCancelled: isCancelled ? 1 : 0 },
      })),
    ),
    is_partial: found.isPartial,
    page: shown,
    pages,
    entries: matching.slice((shown - 1) * entriesPerPage, shown * entriesPerPage),
    reasons: choicesOf(without('reason'), ({ reason }) => [reason, reason], filter.reason),
    fields: choicesOf(without('field'), (entry) => [fieldOf(entry), entry.field ?? '(no field)'], filter.field),
    files: choicesOf(without('fileId'), (entry) => [entry.file_id, nameOf(entry)], filter.fileId),
  };
}

function choicesOf(
  entries: readonly DeadEntry[],
  of: (entry: DeadEntry) => [value: string, name: string],
  selected: string | undefined,
): Choice[] {
  const choices = new Map<string, Choice>();
  for (const entry of entries) {
    const [value, name] = of(entry);
    const known = choices.get(value);
    if (known) known.count++;
    else choices.set(value, { value, name, count: 1 });
  }
  const sorted = [...choices.values()].sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1));
  const first = sorted.slice(0, maxChoices);
  const chosen = sorted.find(({ value }) => value === selected);
  if (chosen && !first.includes(chosen)) first.push(chosen);
  if (selected !== undefined && !chosen) first.push({ value: selected, name: selected, count: 0 });
  return first;
}

const nameOf = ({ source_file: file }: DeadEntry): string => file.slice(file.lastIndexOf('/') + 1);
