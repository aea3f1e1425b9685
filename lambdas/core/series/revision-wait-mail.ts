import type { Mail } from '../notices/notice-mail.ts';
import { fileLines, isoMinute, sluiceOf } from '../notices/mail-lines.ts';
import type { WaitingRevision } from './waiting-revision.ts';
import { revisionWaitText } from './waiting-revision.ts';

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
