import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import { isManifestOwed } from '../../lambdas/core/account/file-account.ts';
import { mergeSorted } from '../../lambdas/core/merge-sorted.ts';
import type { FileLedger } from '../../lambdas/ports.ts';
import type { ClosedPorts } from '../live/read-closed.ts';
import { describeClosed } from '../live/describe-file.ts';
import type { ClosedFile } from '../live/snapshot.ts';
import { byArrivalDescending } from '../status/select-files.ts';

/** One page of the closed files, the newest first. */
export interface ClosedPage {
  files: ClosedFile[];
  /** Where the next page begins; null if this is the last one. */
  next: string | null;
  /** How far back this page has looked: the next one continues there. Null if it has seen all. */
  searched_back_to: string | null;
}

export interface ClosedWish {
  /** Part of the object's key or of the file id. */
  text?: string | undefined;
  state?: string | undefined;
  before?: string | undefined;
}

export interface ClosedPagePorts extends Pick<ClosedPorts, 'readSummary'> {
  ledger: Pick<FileLedger, 'eachFile'>;
}

const filesPerPage = 25;
/** Files that a page looks through for its matches. */
const maxLookedThrough = 5_000;

export async function closedPage(
  { text = '', state, before }: ClosedWish,
  feeds: readonly string[],
  { ledger, readSummary }: ClosedPagePorts,
): Promise<ClosedPage> {
  const wanted = text.trim().toLowerCase();
  const [at = '', fileId = ''] = before?.split(/:(.*)/s) ?? [];
  const from = before === undefined ? undefined : { createdAt: Number(at), fileId };
  const lists = feeds.map((feed) => ledger.eachFile(feed, 'closed', { order: 'newest', before: from }));
  const found: FileAccount[] = [];
  let [seen, last]: [number, FileAccount | undefined] = [0, undefined];
  for await (const file of mergeSorted(lists, byArrivalDescending)) {
    if (found.length === filesPerPage || seen === maxLookedThrough) {
      return { files: await described(found, readSummary), next: placeOf(last), searched_back_to: timeOf(last) };
    }
    [seen, last] = [seen + 1, file];
    if (isMatch(file, wanted, state)) found.push(file);
  }
  return { files: await described(found, readSummary), next: null, searched_back_to: null };
}

function isMatch(file: FileAccount, wanted: string, state: string | undefined): boolean {
  if (!file.manifest || isManifestOwed(file)) return false;
  if (state !== undefined && file.state !== state) return false;
  return wanted === '' || [file.source.key, file.fileId].some((name) => name.toLowerCase().includes(wanted));
}

async function described(files: readonly FileAccount[], read: ClosedPorts['readSummary']): Promise<ClosedFile[]> {
  return Promise.all(files.map(async (file) => describeClosed(file, await read(file))));
}

const placeOf = (file: FileAccount | undefined): string | null => (file ? `${file.createdAt}:${file.fileId}` : null);
const timeOf = (file: FileAccount | undefined): string | null => (file ? new Date(file.createdAt).toISOString() : null);
