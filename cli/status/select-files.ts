import { InvalidArgumentError } from 'commander';
import type { FileAccount, FileState } from '../../lambdas/core/account/file-account.ts';
import { fileStates } from '../../lambdas/core/account/file-account.ts';
import { mergeSorted } from '../../lambdas/core/merge-sorted.ts';
import type { FileLedger } from '../../lambdas/ports.ts';

/** Which files `status` shows. */
export interface FileQuery {
  feeds: readonly string[];
  /** All states if undefined. */
  states?: readonly FileState[] | undefined;
  /** Only files that arrived at this time or later. Milliseconds since 1970. */
  sinceMs?: number | undefined;
  /** The most closed files of a page. */
  limit: number;
  /** The last file of the page before: the page continues with closed files that arrived earlier. */
  after?: FileAccount | undefined;
}

/** A page of finished files, the newest first. */
export interface FilePage {
  closed: FileAccount[];
  /** The last file of the page if there are more behind it. */
  next: FileAccount | undefined;
}

/** Whether a file with this state, that arrived at this time, is among those asked for. */
export function isSelected(
  { states, sinceMs = 0 }: FileQuery,
  state: FileAccount['state'],
  arrivedMs: number,
): boolean {
  return arrivedMs >= sinceMs && (states === undefined || states.some((each) => each === state));
}

/** @param isOpen ids of files that are shown as open: one of them may have been closed since */
export async function selectClosed(
  query: FileQuery,
  isOpen: ReadonlySet<string>,
  ledger: Pick<FileLedger, 'eachFile'>,
): Promise<FilePage> {
  const { feeds, sinceMs = 0, limit, after } = query;
  const lists = feeds.map((feed) => ledger.eachFile(feed, 'closed', { order: 'newest', before: after }));
  const closed: FileAccount[] = [];
  for await (const file of mergeSorted(lists, byArrivalDescending)) {
    if (file.createdAt < sinceMs) break;
    if (isOpen.has(file.fileId) || !isSelected(query, file.state, file.createdAt)) continue;
    if (closed.length === limit) return { closed, next: closed.at(-1) };
    closed.push(file);
  }
  return { closed, next: undefined };
}

/** The order of lists of closed files. */
export const byArrivalDescending = (a: FileAccount, b: FileAccount): number =>
  b.createdAt - a.createdAt || (a.fileId < b.fileId ? 1 : -Number(a.fileId > b.fileId));

const unitMs = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 } as const;

/**
 * @param text a time (UTC unless it names its zone), a date, or a period before now: `90m`, `12h`, `3d`, `2w`
 * @returns milliseconds since 1970
 * @throws InvalidArgumentError
 */
export function parseSince(text: string, nowMs = Date.now()): number {
  const [, count, unit] = /^([0-9]{1,5})([mhdw])$/.exec(text) ?? [];
  if (count !== undefined && unit !== undefined) return nowMs - Number(count) * unitMs[unit as keyof typeof unitMs];
  const hasZone = /(Z|[+-][0-9]{2}:?[0-9]{2})$/i.test(text);
  const isTime = /^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ]/.test(text);
  const time = /^[0-9]{4}-/.test(text) ? Date.parse(isTime && !hasZone ? `${text}Z` : text) : NaN;
  if (Number.isFinite(time)) return time;
  throw new InvalidArgumentError('It must be a time (2026-11-28, 2026-11-28T02:00Z) or a period (90m, 12h, 3d, 2w).');
}

/** @throws InvalidArgumentError naming the states there are */
export function parseStates(text: string): FileState[] {
  const states = text.split(',').map((each) => each.trim());
  const known: readonly string[] = fileStates;
  const odd = states.find((state) => !known.includes(state));
  if (odd === undefined) return states as FileState[];
  throw new InvalidArgumentError(`There is no state '${odd}'. States: ${fileStates.join(', ')}.`);
}
