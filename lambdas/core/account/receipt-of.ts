import type { RawPayload } from '../dead-letters/letter-of.ts';
import { rawPayloadOf } from '../dead-letters/letter-of.ts';
import { isoTime } from '../iso-time.ts';
import { isFailed } from './outcome.ts';
import type { PreparedRecord } from '../records/prepare-record.ts';
import type { DoneRecord } from './progress.ts';
import type { Receipt } from './receipt.ts';
import type { EarlierVersions } from '../series/revision-plan.ts';
import { supersededIds } from '../series/revision-plan.ts';
import type { Outcome } from './outcome.ts';
import { sourceFieldsOf } from './source-uri.ts';

/** The record's text in the file, as far as it can be shown. */
export function rawOf(record: PreparedRecord): RawPayload {
  return rawPayloadOf(record.bytes, record.length);
}

/**
 * A record's line in the receipts. A failed record's line has everything that its letter has: a purged DLQ loses nothing.
 * @param first for a duplicate: the first record of its batch with the same request id, which may be the record itself
 * @param planned of a revision: the earlier versions of the record, unless its end has them
 */
export function receiptOf(
  record: PreparedRecord,
  done: DoneRecord,
  first?: PreparedRecord,
  planned?: EarlierVersions,
): Receipt {
  const { result } = record;
  const { earlier = planned } = done;
  const receipt: Receipt = {
    record: record.record,
    line: record.line,
    offset: record.offset,
    length: record.length,
    sha256: record.sha256,
    outcome: done.outcome,
    request_id: result.kind === 'good' ? result.requestId : null,
    status: done.status,
    attempts: done.attempts,
    at: isoTime(done.at),
  };
  if (record.source) Object.assign(receipt, sourceFieldsOf(record.source));
  if (done.confirmedBy) receipt.confirmed_by = done.confirmedBy;
  if (result.kind === 'good' && earlier)
    Object.assign(receipt, earlierFieldsOf(result.identity, done.outcome, earlier));
  if (record.correlationId !== undefined) receipt.correlation_id = record.correlationId;
  const warnings = warningsOf(record, first);
  if (warnings.length > 0) receipt.warnings = [...warnings];
  if (done.answer !== undefined) receipt.api_answer = done.answer;
  if (!isFailed(done.outcome)) return receipt;
  const problem = result.kind === 'rejected' ? result.problem : undefined;
  return {
    ...receipt,
    reason: problem?.reason ?? done.reason ?? 'unknown',
    error: problem?.message ?? done.error ?? '',
    field: problem?.field ?? null,
    ...rawOf(record),
  };
}

function warningsOf({ sha256, warnings = [] }: PreparedRecord, first: PreparedRecord | undefined): readonly string[] {
  if (!first || first.sha256 === sha256) return warnings;
  const repeated = `record ${first.record} of the file has the same request id and other bytes; the API has the first one`;
  return [...warnings, repeated];
}

function earlierFieldsOf(
  identity: readonly string[],
  outcome: Outcome,
  earlier: EarlierVersions,
): Pick<Receipt, 'earlier_checksums' | 'supersedes'> {
  if (outcome === 'unchanged') return { earlier_checksums: earlier };
  // Nothing was asked of the API.
  if (outcome === 'held') return {};
  return { earlier_checksums: earlier, supersedes: supersededIds(identity, earlier).filter((id) => id !== null) };
}
