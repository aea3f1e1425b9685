import { plainText } from '../plain-text.ts';
import type { Mail } from '../notices/notice-mail.ts';
import { sluiceOf } from '../notices/mail-lines.ts';
import type { NightEntry, NightExpectation } from './night-entry.ts';
import { isInProgress } from './night-entry.ts';
import { nightWords, verdictOfNight, wordOfExpected } from './night-verdict.ts';

const maxSentence = 1_500;

/** The nightly mail to the desk. Mailboxes keep the number and the hash of each entry: no one can rewrite the log unseen. */
export function nightMail(entry: NightEntry, sha256: string, stackName: string): Mail {
  const { feed, number, from, to, archive, expectations, previous_sha256: previous } = entry;
  const { kind, sentence, details } = verdictOfNight(entry);
  const missing = expectations.filter((each) => each.state !== 'met' || isInProgress(each));
  return {
    subject: `Sluice ${feed}: night ${number} (${to.slice(0, 10)}) ${nightWords[kind]}`.slice(0, 100),
    text: [
      plainText(sentence, maxSentence),
      ...details,
      ...(missing.length > 0 ? ['', ...missing.map(expectationLine)] : []),
      '',
      `Night ${number} of ${feed}, from ${from} to ${to}.`,
      `SHA-256 of its entry: ${sha256}`,
      `Entry before:         ${previous ?? 'none, this is the first one'}`,
      `Entry:  s3://${archive.bucket}/${archive.entry_key}`,
      `Page:   ${archive.page_key === null ? 'could not be drawn' : `s3://${archive.bucket}/${archive.page_key}`}`,
      '',
      `Show it:  ${sluiceOf(stackName)} night ${number} --feed ${feed}`,
      'Keep this mail: its number and hash show whether the log was changed later',
      `(sluice verify --nights DIR --head ${feed}=${sha256}).`,
      '',
    ].join('\n'),
  };
}

function expectationLine(expected: NightExpectation): string {
  const { name, key, by, file_id: id, obstacle } = expected;
  const what = plainText(`${name} (${key})`, maxSentence);
  const why = obstacle === null ? '' : isInProgress(expected) ? '' : ` does not count: ${obstacle}`;
  return `${what}: expected by ${by}, ${wordOfExpected(expected)}${id === null ? '' : `; file ${id}${why}`}`;
}
