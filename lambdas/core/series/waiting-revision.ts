import type { FileAccount } from '../account/file-account.ts';
import { isStopped } from '../account/quarantine.ts';
import type { Mail } from '../notices/notice-mail.ts';
import { fileLines, isoMinute, sluiceOf } from '../notices/mail-lines.ts';

/** A revision that waits for an earlier one to close: nothing of it is cut yet. */
export type WaitingRevision = FileAccount & { waitsFor: NonNullable<FileAccount['waitsFor']> };

/** The desk is notified of a file that waits for longer: milliseconds. An earlier revision usually closes within minutes. */
const longWaitMs = 60 * 60_000;

export const isWaitingForRevision = (file: FileAccount): file is WaitingRevision =>
  file.state === 'splitting' && file.waitsFor !== undefined && file.series === undefined && !isStopped(file);

/** Whether the desk is to be notified now. */
export const isLongWait = ({ waitsFor }: WaitingRevision, nowMs: number): boolean =>
  waitsFor.isNotified === undefined && nowMs - waitsFor.since >= longWaitMs;

/** `waits for the earlier revision traffic.0a… since 01:12` @param clock shows a time to the reader */
export const revisionWaitText = (
  { fileId, since }: WaitingRevision['waitsFor'],
  clock: (atMs: number) => string,
): string => `waits for the earlier revision ${fileId} since ${clock(since)}`;

/** @param files at least one */
export function revisionWaitMail(feed: string, files: readonly WaitingRevision[], stackName: string): Mail {
  const what =
    files.length === 1 ? 'a file waits for an earlier revision' : `${files.length} files wait for earlier revisions`;
  const sluice = sluiceOf(stackName);
  const earlier = new Set(files.map(({ waitsFor }) => waitsFor.fileId));
  const [id = ''] = earlier.size === 1 ? earlier : ['FILE_ID'];
  const waiting = files.length === 1 ? files[0]?.fileId : 'WAITING_FILE_ID';
  return {
    subject: `Sluice ${feed}: ${what}`,
    text: [
      'Only what changed is sent of such a file, so it is compared once the earlier revision is closed:',
      ...fileLines(files, ({ waitsFor }) => revisionWaitText(waitsFor, isoMinute)),
      '',
      'What to do:',
      `- See what the earlier revision waits for:  ${sluice} status ${id}`,
      `- If the earlier revision is wrong: cancel it; what it has not sent is then held:  ${sluice} cancel ${id} --why "..."`,
      `- If the earlier revision does not close, nothing more of it is sent and the other one goes on:  ${sluice} release ${waiting} --without ${id} --why "..."`,
      '- The waiting file continues by itself. What it changes is known once the two are compared.',
      '',
    ].join('\n'),
  };
}
