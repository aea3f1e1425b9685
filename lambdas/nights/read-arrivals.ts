import type { DueFile } from '../core/nights/expected-files.ts';
import type { ArrivedFile } from '../core/nights/judge-expected.ts';
import { isMeant } from '../core/nights/judge-expected.ts';
import type { FileLedger } from '../ports.ts';

/**
 * A feed's files that what is expected may mean. Reads from the newest file back to the earliest that can be meant, and keeps
 * only those.
 * @param most files that are looked through of each list
 */
export async function readArrivals(
  feed: string,
  dues: readonly DueFile[],
  ledger: Pick<FileLedger, 'eachFile'>,
  most = Infinity,
): Promise<ArrivedFile[]> {
  if (dues.length === 0) return [];
  const after = Math.min(...dues.map(({ arrivesAfter }) => arrivesAfter));
  const meant = new Map<string, ArrivedFile>();
  // Open ones first: a file that is closed in between is in both lists, and the second look is the newer one.
  for (const list of ['open', 'closed'] as const) {
    let seen = 0;
    for await (const file of ledger.eachFile(feed, list, { order: 'newest' })) {
      if (file.createdAt <= after || ++seen > most) break;
      if (dues.some((due) => isMeant(due, file))) meant.set(file.fileId, file);
    }
  }
  return [...meant.values()];
}
