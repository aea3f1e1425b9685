import { attemptsIn } from '../../lambdas/core/dead-letters/dead-history.ts';
import type { DeadRecord, FileAccount } from '../../lambdas/core/account/file-account.ts';
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
  readDead: (file: FileAccount) => AsyncIterable<OpenDead>;
  lettersOf: (file: FileAccount) => Pick<LetterQueue, 'sendLetters'>;
}

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
  const batches = await firstRecordsOf(file.fileId, ports.ledger);
  const remade = new Set<string>();
  let letters: Letter[] = [];
  const send = async (): Promise<void> => {
    await ports.lettersOf(file).sendLetters(letters);
    for (const { file_id, record } of letters) remade.add(recordKey(file_id, record));
    letters = [];
  };
  for await (const open of ports.readDead(file)) {
    if (signal.aborted) break;
    const batch = batchOf(open.receipt.record, batches);
    // A letter needs its batch's item, which is kept for 60 days.
    if (batch === undefined || !isWanted(open)) continue;
    letters.push(await remake(open, batch, ports));
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

/** First records of the batches, in order. */
async function firstRecordsOf(
  fileId: string,
  ledger: Pick<BatchLedger, 'listBatches'>,
): Promise<{ batch: number; from: number; to: number }[]> {
  const batches: { batch: number; from: number; to: number }[] = [];
  for await (const { batch, firstRecord, records } of ledger.listBatches(fileId)) {
    batches.push({ batch, from: firstRecord, to: firstRecord + records });
  }
  return batches;
}

function batchOf(record: number, batches: readonly { batch: number; from: number; to: number }[]): number | undefined {
  let [low, high] = [0, batches.length - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    const found = batches[middle];
    if (!found) return undefined;
    if (record < found.from) high = middle - 1;
    else if (record >= found.to) low = middle + 1;
    else return found.batch;
  }
  return undefined;
}
