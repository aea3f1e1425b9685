import { Buffer } from 'node:buffer';
import type { Feed } from '../../feeds/feed.ts';
import type { BatchAccount, FileAccount } from '../core/account/file-account.ts';
import { buriedReason } from '../core/account/outcome.ts';
import type { DoneRecord } from '../core/account/progress.ts';
import { decodeProgress, noProgress } from '../core/account/progress.ts';
import type { Receipt } from '../core/account/receipt.ts';
import { receiptOf } from '../core/account/receipt-of.ts';
import { sourceFieldsOf } from '../core/account/source-uri.ts';
import { rawPayloadOf } from '../core/dead-letters/letter-of.ts';
import type { CutRecord } from '../core/records/cut-slice.ts';
import { cutSlice } from '../core/records/cut-slice.ts';
import type { Dialect } from '../core/records/dialect.ts';
import { sha256Of, suffixOf } from '../core/records/identity.ts';
import { prepareRecord } from '../core/records/prepare-record.ts';
import { decodeBody } from '../core/records/slice-body.ts';
import { decodePlans, knownOutcome } from '../core/series/revision-plan.ts';
import type { BatchMessage } from '../messages.ts';

/** It has been read as far as its batches need. */
export type ReadableFile = FileAccount & { dialect: Dialect; sha256: string };

/**
 * The receipts of a batch that is buried: records that had ended keep their outcome, the rest is exhausted. These are
 * hashed but not parsed: parsing one of them may be what kills.
 * @param at milliseconds since 1970
 */
export function buriedReceipts(
  message: BatchMessage,
  file: ReadableFile,
  batch: BatchAccount,
  feed: Feed,
  at: number,
): Receipt[] {
  const saved = batch.progress ? decodeProgress(batch.progress) : noProgress;
  const done = new Map(saved.done.map((record) => [record.place, record]));
  if (message.kind === 'oversize') return [oversizeReceipt(message, at)];
  const { offset, firstRecord, firstLine, encoding, body } = message;
  const slice = { offset, firstRecord, firstLine, bytes: decodeBody({ encoding, body }) };
  const cuts = cutSlice(slice, file.dialect, file.limits);
  const suffix = suffixOf(file);
  const plans = decodePlans(message, cuts.length);
  return cuts.map((cut, place) => {
    const ended = done.get(place);
    const { plan = 'send', earlier } = plans[place] ?? {};
    // A record that ended was parsed before, and killed no consumer.
    if (ended) return receiptOf(prepareRecord(cut, feed, file.dialect, suffix), ended, undefined, earlier);
    const outcome = knownOutcome[plan];
    // Nor does one that the splitter has compared with an earlier revision. Its letter would be sent a second time.
    if (outcome) {
      const known = { place, at, outcome, status: null, attempts: 0 };
      return receiptOf(prepareRecord(cut, feed, file.dialect, suffix), known, undefined, earlier);
    }
    return { ...buriedReceipt(cut, place < saved.fence, at), ...(earlier ? { earlier_checksums: earlier } : {}) };
  });
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
