import { gzipSync } from 'node:zlib';
import type { Feed } from '../../feeds/feed.ts';
import { askToFinalize } from '../ask-finalizer.ts';
import { isGenuine, mayBeOfFeed } from '../core/authenticity.ts';
import { AlteredMessageError } from '../core/errors.ts';
import { workReceiptsKey } from '../core/account/archive-keys.ts';
import type { BatchAccount, FileAccount } from '../core/account/file-account.ts';
import { sha256Of } from '../core/records/identity.ts';
import { letterOf, payloadKeyOf, rawPayloadOf } from '../core/dead-letters/letter-of.ts';
import { buriedReason, noCounts } from '../core/account/outcome.ts';
import { prepareRecord } from '../core/records/prepare-record.ts';
import type { DoneRecord } from '../core/account/progress.ts';
import { decodeProgress, noProgress } from '../core/account/progress.ts';
import type { Receipt } from '../core/account/receipt.ts';
import { receiptOf } from '../core/account/receipt-of.ts';
import { sourceFieldsOf } from '../core/account/source-uri.ts';
import type { CutRecord } from '../core/records/cut-slice.ts';
import { cutSlice } from '../core/records/cut-slice.ts';
import type { Dialect } from '../core/records/dialect.ts';
import { decodeBody } from '../core/records/slice-body.ts';
import type { BatchMessage } from '../messages.ts';
import type { AuditLog, Clock, FinalizeQueue, Ledger, PayloadStore, QueuedMessage, ReceiptStore } from '../ports.ts';

export interface BuryPorts {
  ledger: Ledger;
  receipts: Pick<ReceiptStore, 'putReceipts'>;
  payloads: PayloadStore;
  finalize: FinalizeQueue;
  feedNamed: (name: string) => Feed;
  clock: Clock;
  log: AuditLog;
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
 * @param feed the feed whose queue it came from
 * @throws AlteredMessageError if the message is not as Sluice made it
 */
export async function buryBatch(
  message: BatchMessage,
  carrier: QueuedMessage,
  feed: string,
  ports: BuryPorts,
): Promise<Burial> {
  const { ledger, log } = ports;
  // Another feed's file is not looked up: the role may not read it.
  const file = mayBeOfFeed(message.fileId, feed) ? await ledger.getFile(message.fileId) : undefined;
  if (file?.feed !== feed || !isGenuine(message, file)) {
    throw new AlteredMessageError(`Batch ${message.batch} of the file ${message.fileId} was altered.`);
  }
  if (!file.dialect || file.sha256 === undefined) return 'spared';
  // Read before it is claimed: our own claim is not evidence.
  const batch = await ledger.getBatch(message.fileId, message.batch);
  const isOpen = batch?.state !== 'settled' || (batch.counts?.held ?? 0) > 0;
  if (isOpen && (batch?.attempt ?? 0) <= message.attempt && (batch?.unreleased ?? 0) < fatalClaims) return 'spared';
  const owner = ports.newId();
  const claim = await ledger.claimBatch(message, owner, leaseMs);
  // Settled, or a later attempt or another process is working on it: nothing to do here.
  if (claim.kind !== 'claimed') return 'over';

  const readable = { ...file, dialect: file.dialect, sha256: file.sha256 };
  const receipts = receiptsOf(message, readable, claim.batch, ports);
  await storePayloads(message, receipts, file, ports);
  for (const receipt of receipts.filter(({ reason }) => reason === buriedReason)) {
    await ledger.adoptLetter(letterFor(receipt, message, file, ports.clock.now()), {
      id: carrier.messageId,
      // Any message sent later is a redrive.
      sentAt: 0,
    });
  }
  const counts = noCounts();
  for (const { outcome } of receipts) counts[outcome]++;
  const bytes = gzipSync(`${receipts.map((receipt) => JSON.stringify(receipt)).join('\n')}\n`);
  const receiptsKey = workReceiptsKey(file.fileId, message.batch, message.attempt, owner);
  await ports.receipts.putReceipts(receiptsKey, bytes);
  const { counts: replaces } = claim.batch;
  const settlement = {
    counts,
    receiptsKey,
    receiptsSha256: sha256Of(bytes),
    buried: true,
    ...(replaces ? { replaces } : {}),
  };
  if (!(await ledger.settleBatch(file.fileId, message.batch, owner, settlement))) return 'over';
  log.error('batch ended each consumer that claimed it', {
    correlation_id: file.fileId,
    batch: message.batch,
    ...counts,
  });
  const now = await ledger.getFile(file.fileId);
  if (now) await askToFinalize(now, ports.finalize);
  return 'buried';
}

type ReadableFile = FileAccount & { dialect: Dialect; sha256: string };

function receiptsOf(message: BatchMessage, file: ReadableFile, batch: BatchAccount, ports: BuryPorts): Receipt[] {
  const saved = batch.progress ? decodeProgress(batch.progress) : noProgress;
  const done = new Map(saved.done.map((record) => [record.i, record]));
  const at = ports.clock.now();
  if (message.kind === 'oversize') return [oversizeReceipt(message, at)];
  const { offset, firstRecord, firstLine, encoding, body } = message;
  const slice = { offset, firstRecord, firstLine, bytes: decodeBody({ encoding, body }) };
  return cutSlice(slice, file.dialect, file.limits).map((cut, place) => {
    const ended = done.get(place);
    // A record that ended was parsed before, and killed no consumer.
    if (ended) return receiptOf(prepareRecord(cut, ports.feedNamed(file.feed), file.dialect, file.sha256), ended);
    return buriedReceipt(cut, place < saved.fence, at);
  });
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

/** @param wasBegun a request may have been sent for it */
function buriedReceipt(cut: CutRecord, wasBegun: boolean, at: number): Receipt {
  const { record, line, offset, bytes, source } = cut;
  return {
    record,
    line,
    offset,
    length: bytes.length,
    sha256: sha256Of(bytes),
    ...sourceFieldsOf(source),
    ...buried(wasBegun, at),
    ...rawPayloadOf(bytes),
  };
}

/** Too long to be parsed at all: something else killed the consumer. */
function oversizeReceipt(message: Extract<BatchMessage, { kind: 'oversize' }>, at: number): Receipt {
  const { firstRecord, firstLine, offset, length, sha256, head } = message;
  const place = { record: firstRecord, line: firstLine, offset, length, sha256 };
  return { ...place, ...buried(false, at), ...rawPayloadOf(Buffer.from(head, 'base64'), length) };
}

function buried(wasBegun: boolean, at: number) {
  const ended: Pick<DoneRecord, 'outcome' | 'status' | 'attempts'> = {
    outcome: 'exhausted',
    status: null,
    attempts: wasBegun ? 1 : 0,
  };
  return {
    ...ended,
    request_id: null,
    at: new Date(at).toISOString(),
    reason: buriedReason,
    error: 'its batch killed every consumer that received it; redrive the batch to try each of its records separately',
    field: null,
  };
}

function letterFor(receipt: Receipt, message: BatchMessage, file: FileAccount, now: number) {
  const { record, line, offset, length, sha256, source_file, source_version_id } = receipt;
  const raw = { raw_encoding: receipt.raw_encoding ?? 'head', raw_payload: receipt.raw_payload ?? '' };
  const letter = letterOf(
    file,
    { batch: message.batch, record, line, offset, length, sha256, raw, source_file, source_version_id },
    {
      outcome: 'exhausted',
      reason: buriedReason,
      error: receipt.error ?? '',
      field: null,
      status: null,
      answer: null,
      requestId: null,
      attempts: receipt.attempts,
    },
    now,
  );
  // The same each time: the next run completes one that died midway.
  return { ...letter, letter_id: `buried-${file.fileId}-${record}` };
}
