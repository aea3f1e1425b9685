import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import { countFailed } from '../../lambdas/core/account/outcome.ts';
import { isCancelled } from '../../lambdas/core/account/quarantine.ts';
import type { DeadLedger, FileLedger } from '../../lambdas/ports.ts';
import { describeOutlook } from '../dlq/redrive-outlook.ts';
import { lastAttemptOf } from '../dlq/select-dead.ts';
import type { DeadGroup } from './snapshot.ts';

export interface DeadCount {
  groups: DeadGroup[];
  /** There are more than this. */
  isPartial: boolean;
  /** The open dead letters of each file: what `groups` add up to. */
  byFile: ReadonlyMap<string, number>;
}

type FailedGroup = Omit<DeadGroup, 'outlook'>;

/** What the ledger knows of a feed's dead records, as of one read. */
export interface DeadRead {
  files: ReadonlyMap<string, KnownDead>;
  isPartial: boolean;
}

interface KnownDead {
  file: FileAccount;
  /** Items, resolved ones included. */
  items: number;
  /** Open dead letters by outcome and reason. */
  groups: Map<string, FailedGroup>;
}

/** Number of a feed's newest files that are read, and of items read per file: a query's page has about 1,500. */
const maxFiles = 50;
const maxItems = 5_000;
/** The ledger keeps resolved records for 60 days; for older files their number is unknown. Milliseconds. */
const keptMs = 60 * 24 * 60 * 60_000;

/**
 * Reads a feed's dead records from the ledger alone: a record's content is in the archive and not shown here.
 * @param open open files with their live counts
 */
export async function readDead(
  feed: string,
  open: readonly FileAccount[],
  ledger: Pick<FileLedger, 'listFiles'> & Pick<DeadLedger, 'listDead'>,
): Promise<DeadRead> {
  const closed = await ledger.listFiles(feed, 'dead', maxFiles + 1);
  const files = [...open.filter((file) => countFailed(file.settled) > 0), ...closed];
  // One that is closed between the two questions is in both.
  const failing = [...new Map(files.map((file) => [file.fileId, file])).values()];
  const read = new Map<string, KnownDead>();
  let items = 0;
  for (const file of failing.slice(0, maxFiles)) {
    const known: KnownDead = { file, items: 0, groups: new Map() };
    read.set(file.fileId, known);
    const cancelled = isCancelled(file) ? { of_cancelled_files: 1 } : {};
    for await (const dead of ledger.listDead(file.fileId)) {
      known.items++;
      const reason = lastAttemptOf(dead)?.reason ?? 'unknown';
      if (dead.state === 'dead') add(known.groups, { feed, outcome: dead.outcome, reason, count: 1, ...cancelled });
      if (++items === maxItems) return { files: read, isPartial: true };
    }
  }
  return { files: read, isPartial: failing.length > maxFiles };
}

/**
 * Counts a feed's open dead letters by their last reason, as `dlq list` groups them. Records without an item are counted by
 * the files' own counts as they are now, so that all numbers of a screen come to the same sum.
 * @param open the open files with the counts that are shown
 */
export function countDead(feed: string, read: DeadRead, open: readonly FileAccount[], nowMs: number): DeadCount {
  const { files, isPartial } = read;
  const groups = new Map<string, FailedGroup>();
  const byFile = new Map<string, number>();
  const accounts = [
    ...[...files.values()].map(({ file }) => file),
    ...open.filter((file) => countFailed(file.settled) > 0),
  ];
  for (const [fileId, file] of new Map(accounts.map((account) => [account.fileId, account]))) {
    const known = files.get(fileId);
    const isOld = file.createdAt < nowMs - keptMs;
    const unknown = isPartial || isOld ? 0 : Math.max(0, countFailed(file.settled) - (known?.items ?? 0));
    const own = [...(known?.groups.values() ?? [])];
    if (unknown > 0) own.push({ feed, outcome: 'unknown', reason: 'not_in_the_ledger_yet', count: unknown });
    for (const group of own) add(groups, group);
    const count = own.reduce((sum, group) => sum + group.count, 0);
    byFile.set(fileId, isPartial ? Math.max(count, countFailed(file.settled)) : count);
  }
  const sorted = [...groups.values()].sort((a, b) => b.count - a.count || (a.reason < b.reason ? -1 : 1));
  const described = sorted.map((group) => ({ ...group, outlook: outlookOf([group]).join(' ') }));
  return { groups: described, isPartial, byFile };
}

function add(groups: Map<string, FailedGroup>, group: FailedGroup): void {
  const key = `${group.outcome} ${group.reason}`;
  const { count = 0, of_cancelled_files: before = 0 } = groups.get(key) ?? {};
  const cancelled = before + (group.of_cancelled_files ?? 0);
  const counts = { count: count + group.count, ...(cancelled > 0 ? { of_cancelled_files: cancelled } : {}) };
  groups.set(key, { ...group, ...counts });
}

/** What a redrive of these groups can be expected to do. */
export function outlookOf(groups: readonly FailedGroup[]): string[] {
  return describeOutlook(
    groups.map(({ of_cancelled_files: ofCancelled = 0, ...group }) => ({ ...group, ofCancelled })),
  );
}
