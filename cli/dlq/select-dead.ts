import { forEachAtOnce } from '../../lambdas/core/at-once.ts';
import { attemptsIn } from '../../lambdas/core/dead-letters/dead-history.ts';
import type { DeadAttempt, DeadRecord, FileAccount } from '../../lambdas/core/account/file-account.ts';
import { isCancelled } from '../../lambdas/core/account/quarantine.ts';
import type { DeadLedger, FileLedger } from '../../lambdas/ports.ts';
import { CliError } from '../cli-error.ts';
import type { FailedAlike } from './redrive-outlook.ts';
import { sluice } from '../terminal/sluice-command.ts';

/** A selection of a feed's dead records; all of them if nothing is named. */
export interface Selection {
  feed: string;
  fileId?: string | undefined;
  /** Reason of the record's last failure. */
  reason?: string | undefined;
  /** Only these, by `recordKey`. */
  records?: ReadonlySet<string> | undefined;
}

export type SelectPorts = Pick<FileLedger, 'getFile' | 'listFiles'> & Pick<DeadLedger, 'listDead'>;

/** Files whose dead records are read at once: a query each, and thousands may be in progress. */
export const filesAtOnce = 8;

export const isNarrowed = ({ fileId, reason, records }: Selection): boolean =>
  fileId !== undefined || reason !== undefined || records !== undefined;

/** The feed's files that may have dead records, newest first; or the named file, whatever its state. */
export async function selectFilesWithDead(selection: Selection, ledger: SelectPorts): Promise<FileAccount[]> {
  const { feed, fileId } = selection;
  if (fileId !== undefined) {
    const file = await ledger.getFile(fileId);
    if (file?.feed === feed) return [file];
    throw new CliError(
      file
        ? `The file ${fileId} belongs to the feed ${file.feed}, not to ${feed}.`
        : `There is no file ${fileId} in the ledger; \`${sluice} status\` lists its files.`,
    );
  }
  // In this order: a file that is closed between the two queries is in the second result.
  const files = [
    ...(await ledger.listFiles(feed, 'open', Infinity)),
    ...(await ledger.listFiles(feed, 'dead', Infinity)),
  ];
  return [...new Map(files.map((file) => [file.fileId, file])).values()];
}

export function isOfReason(dead: Pick<DeadRecord, 'history'>, { reason }: Selection): boolean {
  return reason === undefined || lastAttemptOf(dead)?.reason === reason;
}

/** Whether the selection names its records and this is none of them. */
export const isLeftOut = ({ records }: Selection, fileId: string, record: number): boolean =>
  records !== undefined && !records.has(recordKey(fileId, record));

/** The last attempt at the record or at a correction of it. */
export function lastAttemptOf({ history }: Pick<DeadRecord, 'history'>): DeadAttempt | undefined {
  return history.at(-1);
}

/** The record's own last failure, not that of a correction or an altered letter. */
export function ownFailureOf(dead: Pick<DeadRecord, 'history'>): DeadAttempt | undefined {
  return attemptsIn(dead).findLast(({ correctionId }) => correctionId === undefined);
}

/** The result of the last redrive of the record's letter: a failure, or an altered letter. */
export function lastTriedOf({ history }: Pick<DeadRecord, 'history'>): DeadAttempt | undefined {
  return history.findLast(({ correctionId }) => correctionId === undefined);
}

/** The open dead records of the selection, counted by what their letter failed of last. */
export async function countFailedAlike(selection: Selection, ledger: SelectPorts): Promise<FailedAlike[]> {
  const groups = new Map<string, FailedAlike>();
  await forEachAtOnce(await selectFilesWithDead(selection, ledger), filesAtOnce, async (file) => {
    const cancelled = isCancelled(file) ? 1 : 0;
    for await (const dead of ledger.listDead(file.fileId)) {
      if (dead.state !== 'dead' || !isOfReason(dead, selection)) continue;
      const reason = lastTriedOf(dead)?.reason ?? 'unknown';
      const key = `${dead.outcome} ${reason}`;
      const { count = 0, ofCancelled = 0 } = groups.get(key) ?? {};
      groups.set(key, { outcome: dead.outcome, reason, count: count + 1, ofCancelled: ofCancelled + cancelled });
    }
  });
  return [...groups.values()];
}

export const recordKey = (fileId: string, record: number): string => `${fileId}/${record}`;
