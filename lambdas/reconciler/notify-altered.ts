import { sluiceOf } from '../core/notices/mail-lines.ts';
import type { AlteredLetter, AlteredLetterLedger, AuditLog, Desk } from '../ports.ts';

export interface NotifyAlteredPorts {
  ledger: AlteredLetterLedger;
  desk: Desk;
  stackName: string;
  log: AuditLog;
}

/** The most letters per message; more wait for the next run. */
const maxLetters = 500;

/** The most letters listed in it. */
const maxShown = 20;

/** The most characters of a letter's claimed ids, which may contain anything. */
const maxIdCharacters = 60;

/**
 * Notifies a feed's desk of letters that came back altered, each letter once. The message first, then the note that it was
 * sent: a run that dies between the two notifies twice rather than never.
 */
export async function notifyOfAltered(feed: string, ports: NotifyAlteredPorts): Promise<void> {
  const { ledger, desk, stackName, log } = ports;
  const altered = await ledger.listAltered(feed, maxLetters);
  if (altered.length === 0) return;
  const letters = `${altered.length} altered ${altered.length === 1 ? 'letter' : 'letters'}`;
  await desk.notify(`Sluice ${feed}: ${letters} came back`, textOf(feed, altered, stackName));
  await ledger.closeAltered(feed, altered);
  log.info('desk notified of altered letters', { feed, letters: altered.length });
}

function textOf(feed: string, altered: readonly AlteredLetter[], stackName: string): string {
  const sluice = sluiceOf(stackName);
  const lines = altered
    .slice(0, maxShown)
    .map(
      ({ fileId, record, messageId, sentAt }) =>
        `  record ${record} of the file ${plain(fileId)}: message ${messageId}, sent ${new Date(sentAt).toISOString()}`,
    );
  return [
    `These letters of the feed '${feed}' came back from the DLQ altered. They were changed in`,
    'between, or Sluice never sent them. None was tried, no account changed, and they are in the DLQ again:',
    ...lines,
    ...(altered.length > maxShown ? [`  … and ${altered.length - maxShown} more`] : []),
    '',
    'What to do:',
    '- Find out who can write to the letters queue and its DLQ, and why this was done.',
    `- If a record needs other values: correct its row and reingest it.  ${sluice} dlq reingest dead-letters.csv`,
    '  A change to a letter has no effect.',
    '- Delete the altered message in the SQS console. Then redrive: the original letter is made again and tried.',
    `  ${sluice} dlq redrive --feed ${feed}`,
    'The runbook: docs/dead-letters.md, "Altered letters".',
    '',
  ].join('\n');
}

function plain(text: string): string {
  return text.slice(0, maxIdCharacters).replace(/[^0-9A-Za-z._-]/g, '·');
}
