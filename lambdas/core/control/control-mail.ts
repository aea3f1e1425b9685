import type { FileAccount } from '../account/file-account.ts';
import type { Mail } from '../notices/notice-mail.ts';
import { fileLines, isoMinute, maxNameCharacters, maxShown, moreThan, sluiceOf } from '../notices/mail-lines.ts';
import { plainText } from '../plain-text.ts';
import type { FileControl } from './file-control.ts';
import type { LateControl } from './late-control.ts';

/** A file that waits for its control file: nothing of it is cut yet. */
export type WaitingFile = FileAccount & { control: FileControl };

export const isWaitingForControl = (file: FileAccount): file is WaitingFile =>
  file.state === 'splitting' && file.control?.state === 'waiting' && file.checkpoint === undefined;

/** `waits for its control file WABC.csv.ctl since 01:12` @param clock shows a time to the reader */
export function waitingText({ name, waitingSince }: FileControl, clock: (atMs: number) => string): string {
  const since = waitingSince === undefined ? '' : ` since ${clock(waitingSince)}`;
  return `waits for its control file ${plainText(name, maxNameCharacters)}${since}`;
}

/** @param files at least one */
export function waitingMail(feed: string, files: readonly WaitingFile[], isDeadline: boolean, stackName: string): Mail {
  const what =
    files.length === 1 ? 'a file waits for its control file' : `${files.length} files wait for control files`;
  const [first] = files;
  const id = files.length === 1 ? (first?.fileId ?? '') : 'FILE_ID';
  const sluice = sluiceOf(stackName);
  return {
    subject: `Sluice ${feed}: ${what}`,
    text: [
      `Nothing of ${files.length === 1 ? 'this file' : 'these files'} is sent before its control file agrees with it` +
        `${isDeadline ? ', and the deadline has come' : ''}:`,
      ...fileLines(files, (file) => waitingText(file.control, isoMinute)),
      '',
      'What to do:',
      '- Have the control file dropped: the file continues by itself.',
      `- To send the file without it:  ${sluice} release ${id} --why "..."`,
      `- If it is a wrong file:  ${sluice} cancel ${id} --why "..."`,
      '',
    ].join('\n'),
  };
}

/** @param late at least one */
export function lateMail(feed: string, late: readonly LateControl[], stackName: string): Mail {
  const what = late.length === 1 ? 'a control file came too late' : `${late.length} control files came too late`;
  return {
    subject: `Sluice ${feed}: ${what}`,
    text: [
      'Each speaks of a file that was compared with another version of it before, or that a person had stopped or released.',
      'It changes nothing:',
      ...late
        .slice(0, maxShown)
        .map(
          ({ name, fileId, at, isChange }) =>
            `  ${plainText(name, maxNameCharacters)} of ${isoMinute(at)}, for the file ${fileId}, which was ` +
            (isChange ? 'compared with another version of it' : 'not compared'),
        ),
      ...moreThan(late.length),
      '',
      'What to do:',
      `- Find out which of the two is right. What the file was compared with:  ${sluiceOf(stackName)} manifest FILE_ID`,
      '- If the file is wrong: correct its records in the API by hand, or drop the right one.',
      '',
    ].join('\n'),
  };
}
