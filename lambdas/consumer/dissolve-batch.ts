import type { FileAccount } from '../core/account/file-account.ts';
import { attemptsIn } from '../core/dead-letters/dead-history.ts';
import { letterOf } from '../core/dead-letters/letter-of.ts';
import type { BatchMessage, Letter } from '../messages.ts';
import type { ConsumerPorts } from './consumer-ports.ts';
import { prepareBatch } from '../core/records/prepare-batch.ts';
import { rawOf } from '../core/account/receipt-of.ts';
import { sourceFieldsOf } from '../core/account/source-uri.ts';

/**
 * Handles a buried batch that was redriven: its records that are still dead continue as letters, each tried separately.
 * These are the letters in the ledger, the same each time, so a second copy of the batch creates no second letters.
 */
export async function dissolveBatch(message: BatchMessage, file: FileAccount, ports: ConsumerPorts): Promise<void> {
  const letters: Letter[] = [];
  for (const record of prepareBatch(message, ports.feed, file)) {
    const dead = await ports.ledger.getDead(file.fileId, record.record);
    if (dead?.state !== 'dead') continue;
    const last = attemptsIn(dead).at(-1);
    if (!last) continue;
    const letter = {
      ...letterOf(
        file,
        {
          batch: message.batch,
          ...record,
          ...{ raw: rawOf(record), earlier: dead.earlier },
          ...sourceFieldsOf(record.source),
        },
        {
          outcome: dead.outcome,
          reason: last.reason,
          error: last.error,
          field: null,
          status: last.status,
          answer: null,
          requestId: dead.requestId ?? null,
          // Its consumer died at an unknown moment: the record may have been sent.
          attempts: 1,
        },
        last.at,
      ),
      letter_id: dead.letterId,
    };
    if (letter.payload_key !== undefined) await ports.payloads.putPayload(letter.payload_key, record.bytes);
    await ports.ledger.allowLetter(letter);
    letters.push(letter);
  }
  await ports.letters.sendLetters(letters);
  ports.log.warn('buried batch dissolved into letters', {
    correlation_id: file.fileId,
    batch: message.batch,
    letters: letters.length,
  });
}
