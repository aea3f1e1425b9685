import { attemptsIn } from '../../lambdas/core/dead-letters/dead-history.ts';
import type { DeadAttempt, DeadRecord, FileAccount } from '../../lambdas/core/account/file-account.ts';
import type { DeadLedger, FileLedger } from '../../lambdas/ports.ts';
import { CliError } from '../cli-error.ts';

/** Which dead records of a feed are meant; all of them where nothing is named. */
export interface Selection {
  feed: string;
  fileId?: string | undefined;
  /** Of the record's last failure. */
  reason?: string | undefined;
}

export type SelectPorts = Pick<FileLedger, 'getFile' | 'listFiles'> & Pick<DeadLedger, 'listDead'>;

export const isNarrowed = ({ fileId, reason }: Selection): boolean => fileId !== undefined || reason !== undefined;

/** The feed's files that may have dead records, the newest first; the one that is named, whatever its state. */
export async function selectFilesWithDead(selection: Selection, ledger: SelectPorts): Promise<FileAccount[]> {
  const { feed, fileId } = selection;
  if (fileId !== undefined) {
    const file = await ledger.getFile(fileId);
    if (file?.feed === feed) return [file];
    throw new CliError(
      file
        ? `The file ${fileId} is one of the feed ${file.feed}, not of ${feed}.`
        : `There is no file ${fileId} in the ledger; \`npm run -s sluice -- status\` lists those it knows.`,
    );
  }
  // In this order: one that is closed between the two questions is in the second.
  const files = [
    ...(await ledger.listFiles(feed, 'open', Infinity)),
    ...(await ledger.listFiles(feed, 'dead', Infinity)),
  ];
  return [...new Map(files.map((file) => [file.fileId, file])).values()];
}

export function isOfReason(dead: Pick<DeadRecord, 'history'>, { reason }: Selection): boolean {
  return reason === undefined || lastAttemptOf(dead)?.reason === reason;
}

/** What went wrong last, with the record or with a correction of it. */
export function lastAttemptOf({ history }: Pick<DeadRecord, 'history'>): DeadAttempt | undefined {
  return history.at(-1);
}

/** The record's own last failure: a correction that failed says nothing of the record, nor does an altered letter. */
export function ownFailureOf(dead: Pick<DeadRecord, 'history'>): DeadAttempt | undefined {
  return attemptsIn(dead).findLast(({ correctionId }) => correctionId === undefined);
}

/** What a redrive of the record's letter came to last: a failure, or a letter that was altered. */
export function lastTriedOf({ history }: Pick<DeadRecord, 'history'>): DeadAttempt | undefined {
  return history.findLast(({ correctionId }) => correctionId === undefined);
}

export const recordKey = (fileId: string, record: number): string => `${fileId}/${record}`;
