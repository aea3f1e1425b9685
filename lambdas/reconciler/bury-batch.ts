import type { Feed } from '../../feeds/feed.ts';
import type { FileAccount } from '../core/account/file-account.ts';
import { buriedReason, isFailed } from '../core/account/outcome.ts';
import type { Receipt } from '../core/account/receipt.ts';
import { isGenuine } from '../core/authenticity.ts';
import { mayBeOfFeed } from '../core/account/file-id.ts';
import { buriedLetterId, letterOf, payloadKeyOf } from '../core/dead-letters/letter-of.ts';
import { AlteredMessageError } from '../core/errors.ts';
import { sha256Of } from '../core/records/identity.ts';
import { decodeBody } from '../core/records/slice-body.ts';
import type { BatchMessage, Letter } from '../messages.ts';
import type { Ledger, Metrics, PayloadStore, QueuedMessage } from '../ports.ts';
import type { SettlePorts } from '../settlement/settle-batch.ts';
import { settleBatch } from '../settlement/settle-batch.ts';
import { buriedReceipts } from './buried-receipts.ts';

export interface BuryPorts extends Omit<SettlePorts, 'feed' | 'metrics'> {
  ledger: Ledger;
  payloads: PayloadStore;
  feedNamed: (name: string) => Feed;
  metricsOf: (feed: string) => Metrics;
  newId: () => string;
}

/** As long as a consumer's lease: a consumer with the same batch waits meanwhile. Milliseconds. */
const leaseMs = 60_000;

/**
 * Consecutive claims that were never released before a batch counts as one that kills its consumers. One may be an
 * accident: a failed machine, a deploy. The receive count is not evidence: SQS also counts receives by a function that
 * could not even start.
 */
const fatalClaims = 2;

/**
 * - `buried`: accounted for now.
 * - `spared`: there is no evidence that it killed its consumers, so it is not the reason for being in the DLQ.
 * - `over`: settled before, or another attempt or process is working on it.
 */
export type Burial = 'buried' | 'spared' | 'over';

/**
 * Accounts for a batch that killed each consumer that claimed it: records that had ended keep their outcome, the rest is
 * exhausted, so that the file can be closed. The records are hashed but not parsed: parsing one of them may be what kills.
 * The message stays in the DLQ; redriven, it dissolves into letters. The order is the same as when a consumer settles:
 * letters, receipts, ledger.
 * @param feedName the feed whose queue it came from
 * @throws AlteredMessageError if the message is not as Sluice made it
 */
export async function buryBatch(
  message: BatchMessage,
  carrier: QueuedMessage,
  feedName: string,
  ports: BuryPorts,
): Promise<Burial> {
  const { ledger, clock, log } = ports;
  // Another feed's file is not looked up: the role may not read it.
  const file = mayBeOfFeed(message.fileId, feedName) ? await ledger.getFile(message.fileId) : undefined;
  if (file?.feed !== feedName || !isGenuine(message, file)) {
    throw new AlteredMessageError(`Batch ${message.batch} of the file ${message.fileId} was altered.`);
  }
  if (!file.dialect || file.sha256 === undefined) return 'spared';
  // Read before it is claimed: our own claim is not evidence.
  const account = await ledger.getBatch(message.fileId, message.batch);
  const isOpen = account?.state !== 'settled' || (account.counts?.held ?? 0) > 0;
  if (isOpen && (account?.attempt ?? 0) <= message.attempt && (account?.unreleased ?? 0) < fatalClaims) return 'spared';
  const owner = ports.newId();
  const claim = await ledger.claimBatch(message, owner, leaseMs);
  // Settled, or a later attempt or another process is working on it: nothing to do here.
  if (claim.kind !== 'claimed') return 'over';

  const readable = { ...file, dialect: file.dialect, sha256: file.sha256 };
  const feed = ports.feedNamed(file.feed);
  const receipts = buriedReceipts(message, readable, claim.batch, feed, clock.now());
  await storePayloads(message, receipts, file, ports);
  for (const receipt of receipts) {
    // Also of a record that had failed: its consumer may have been killed before it sent the letter. If it was sent, and is
    // known, nothing changes.
    const letter = letterFor(receipt, message, file, clock.now());
    // Any message sent later is a redrive.
    if (letter) await ledger.adoptLetter(letter, { id: carrier.messageId, sentAt: 0 });
  }
  const metrics = ports.metricsOf(feed.name);
  const ended = { message, owner, receipts, replaces: claim.batch.counts, buried: true as const };
  const counts = await settleBatch(ended, { ...ports, feed, metrics });
  if (!counts) return 'over';
  metrics.flush();
  const { fileId: correlation_id, batch } = message;
  log.error('batch ended each consumer that claimed it', { correlation_id, batch, ...counts });
  return 'buried';
}

/** If the message is lost, letters are recreated from receipts and these payloads. */
async function storePayloads(
  message: BatchMessage,
  receipts: readonly Receipt[],
  file: FileAccount,
  ports: BuryPorts,
): Promise<void> {
  if (message.kind === 'oversize') return;
  const slice = decodeBody(message);
  for (const { raw_encoding: encoding, offset, length, sha256 } of receipts) {
    if (encoding !== 'head') continue;
    const from = offset - message.offset;
    const bytes = slice.subarray(from, from + length);
    if (sha256Of(bytes) === sha256) await ports.payloads.putPayload(payloadKeyOf(file.fileId, sha256), bytes);
  }
}

/** Undefined if the record has not failed. */
function letterFor(receipt: Receipt, message: BatchMessage, file: FileAccount, now: number): Letter | undefined {
  const { record, line, offset, length, sha256, source_file, source_version_id } = receipt;
  const { earlier_checksums: earlier, outcome, reason = buriedReason, error = '', field = null, status } = receipt;
  if (!isFailed(outcome)) return undefined;
  const raw = { raw_encoding: receipt.raw_encoding ?? 'head', raw_payload: receipt.raw_payload ?? '' };
  const letter = letterOf(
    file,
    { batch: message.batch, record, line, offset, length, sha256, raw, source_file, source_version_id, earlier },
    {
      ...{ outcome, reason, error, field, status, answer: receipt.api_answer ?? null },
      ...{ requestId: receipt.request_id, attempts: receipt.attempts },
    },
    now,
  );
  // The same each time: the next run completes one that died midway.
  return { ...letter, letter_id: buriedLetterId(file.fileId, record) };
}
