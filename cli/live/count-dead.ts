import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import type { DeadLedger, FileLedger } from '../../lambdas/ports.ts';
import { lastAttemptOf } from '../dlq/select-dead.ts';
import type { DeadGroup } from './snapshot.ts';

export interface DeadCount {
  groups: DeadGroup[];
  /** There are more than this. */
  isPartial: boolean;
}

/** Number of a feed's newest files that are read, and of items read per file: a query's page has about 1,500. */
const maxFiles = 50;
const maxItems = 5_000;
/** The ledger keeps resolved records for 60 days; for older files their number is unknown. Milliseconds. */
const keptMs = 60 * 24 * 60 * 60_000;

/**
 * A feed's open dead letters by their last reason, as `dlq list` groups them, from the ledger alone: the record's content
 * is in the archive and not shown here. Records without an item are counted by the file's own counts.
 * @param open open files with their live counts
 */
export async function countDead(
  feed: string,
  open: readonly FileAccount[],
  ledger: Pick<FileLedger, 'listFiles'> & Pick<DeadLedger, 'listDead'>,
  now: number,
): Promise<DeadCount> {
  const closed = await ledger.listFiles(feed, 'dead', maxFiles + 1);
  const files = [...open.filter((file) => failedOf(file) > 0), ...closed];
  // One that is closed between the two questions is in both.
  const failing = [...new Map(files.map((file) => [file.fileId, file])).values()];
  const counts = new Map<string, DeadGroup>();
  const add = (group: Omit<DeadGroup, 'count'>, count: number): void => {
    const key = `${group.outcome} ${group.reason}`;
    counts.set(key, { ...group, count: (counts.get(key)?.count ?? 0) + count });
  };
  let items = 0;
  for (const file of failing.slice(0, maxFiles)) {
    let known = 0;
    for await (const dead of ledger.listDead(file.fileId)) {
      known++;
      const reason = lastAttemptOf(dead)?.reason ?? 'unknown';
      if (dead.state === 'dead') add({ feed, outcome: dead.outcome, reason }, 1);
      if (++items === maxItems) break;
    }
    if (items === maxItems) break;
    const unknown = file.createdAt < now - keptMs ? 0 : failedOf(file) - known;
    if (unknown > 0) add({ feed, outcome: 'unknown', reason: 'not_in_the_ledger_yet' }, unknown);
  }
  return {
    groups: [...counts.values()].sort((a, b) => b.count - a.count || (a.reason < b.reason ? -1 : 1)),
    isPartial: items === maxItems || failing.length > maxFiles,
  };
}

function failedOf({ settled }: FileAccount): number {
  return settled.rejected + settled.refused + settled.exhausted;
}
