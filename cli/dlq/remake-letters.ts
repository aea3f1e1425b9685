import { attemptsIn } from '../../lambdas/core/dead-letters/dead-history.ts';
import type { BatchAccount, DeadRecord, FileAccount } from '../../lambdas/core/account/file-account.ts';
import { mapAhead } from '../../lambdas/core/at-once.ts';
import { InStep } from '../../lambdas/core/in-step.ts';
import type { ReadDead } from '../../lambdas/dead-letters/read-dead-records.ts';
import { letterOf } from '../../lambdas/core/dead-letters/letter-of.ts';
import type { FailedOutcome } from '../../lambdas/core/account/outcome.ts';
import type { Receipt } from '../../lambdas/core/account/receipt.ts';
import type { OpenDead } from '../../lambdas/core/dead-letters/reconciliation-csv.ts';
import type { Letter } from '../../lambdas/messages.ts';
import type { BatchLedger, DeadLedger, LetterQueue } from '../../lambdas/ports.ts';
import { ownFailureOf, recordKey } from './select-dead.ts';

export interface RemakePorts {
  ledger: Pick<BatchLedger, 'listBatches'> & Pick<DeadLedger, 'adoptLetter' | 'allowLetter'>;
  /** Every open dead record of a file, with its bytes in the file. */
  readDead: ReadDead;
  lettersOf: (file: FileAccount) => Pick<LetterQueue, 'sendLetters'>;
}

/** Letters noted in the ledger at once: a write each. */
const notedAtOnce = 20;
/** Letters buffered until they are sent. */
const lettersAtOnce = 100;

/**
 * Makes letters whose messages are gone from SQS again, from the ledger and the file's receipts, and sends them. A letter
 * is identified by its id, so it does no harm if the old message turns up after all. Returns the records' keys.
 */
export async function remakeLetters(
  file: FileAccount,
  isWanted: (open: OpenDead) => boolean,
  ports: RemakePorts,
  signal: AbortSignal,
): Promise<Set<string>> {
  // In the file's order, as the dead records are.
  const batches = new InStep(ports.ledger.listBatches(file.fileId), lastRecordOf);
  const remade = new Set<string>();
  let letters: Letter[] = [];
  const send = async (): Promise<void> => {
    if (letters.length === 0) return;
    await ports.lettersOf(file).sendLetters(letters);
    for (const { file_id, record } of letters) remade.add(recordKey(file_id, record));
    letters = [];
  };
  const lost = async function* () {
    for await (const open of ports.readDead(file)) {
      if (signal.aborted) break;
      if (!isWanted(open)) continue;
      const { record } = open.receipt;
      const batch = await batches.reach(record);
      // A letter needs its batch's item, which is kept for 60 days.
      if (batch && batch.firstRecord <= record) yield { open, batch: batch.batch };
    }
  };
  for await (const letter of mapAhead(lost(), notedAtOnce, ({ open, batch }) => remake(open, batch, ports))) {
    letters.push(letter);
    if (letters.length >= lettersAtOnce) await send();
  }
  await send();
  return remade;
}

async function remake({ file, receipt, dead }: OpenDead, batch: number, ports: RemakePorts): Promise<Letter> {
  const last = dead && ownFailureOf(dead);
  const made = letterOf(
    file,
    { ...receipt, batch, raw: rawOf(receipt), earlier: receipt.earlier_checksums },
    {
      outcome: last?.outcome ?? (receipt.outcome as FailedOutcome),
      reason: last?.reason ?? receipt.reason ?? 'unknown',
      error: last?.error ?? receipt.error ?? '',
      field: receipt.field ?? null,
      status: last ? last.status : receipt.status,
      answer: receipt.api_answer ?? null,
      requestId: receipt.request_id,
      attempts: receipt.attempts + requestsSince(dead),
    },
    // The same id each time it is made again, as long as the record's state is unchanged.
    last?.at ?? Date.parse(receipt.at),
  );
  const letter = { ...made, letter_id: dead?.letterId ?? `remade-${file.fileId}-${receipt.record}` };
  // Noted before it is sent: a letter that the ledger does not know is not tried.
  if (dead) await ports.ledger.allowLetter(letter);
  // A letter that no consumer has received would only pass through to the DLQ; once adopted, it is tried.
  else await ports.ledger.adoptLetter(letter, { id: letter.letter_id, sentAt: 0 });
  return letter;
}

/** Tries made since it became a dead letter. */
function requestsSince(dead: DeadRecord | undefined): number {
  if (!dead) return 0;
  return attemptsIn(dead)
    .slice(1)
    .filter(({ outcome }) => outcome !== 'rejected').length;
}

function rawOf({ raw_encoding = 'head', raw_payload = '' }: Receipt) {
  return { raw_encoding, raw_payload };
}

const lastRecordOf = ({ firstRecord, records }: BatchAccount): number => firstRecord + records - 1;
