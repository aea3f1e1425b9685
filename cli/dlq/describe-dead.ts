import type { DeadRecord, FileAccount } from '../../lambdas/core/account/file-account.ts';
import { isCancelled } from '../../lambdas/core/account/quarantine.ts';
import type { Receipt } from '../../lambdas/core/account/receipt.ts';
import { uriOf } from '../../lambdas/core/account/source-uri.ts';
import { lastAttemptOf } from './select-dead.ts';
import { isoTime, isoTimeOrNull } from '../../lambdas/core/iso-time.ts';

/** Everything known about one dead record, with the names of the dead-letter format: `dlq show --json`. */
export interface DeadDescription {
  file_id: string;
  feed: string;
  lane: string;
  source_file: string;
  /** Nothing of it is sent until a person releases it: a redriven letter comes back untried. */
  file_is_cancelled: boolean;
  record: number;
  line: number | null;
  offset: number | null;
  length: number | null;
  sha256: string | null;
  state: 'dead' | 'resolved';
  outcome: string;
  reason: string;
  error: string;
  field: string | null;
  http_status: number | null;
  /** What the API answered to the last try. */
  api_answer: string | null;
  request_id: string | null;
  /** Requests made before it became a dead letter. */
  attempts: number | null;
  raw_encoding: string | null;
  raw_payload: string | null;
  letter_id: string | null;
  /** The letter's message when it was last seen. */
  message_id: string | null;
  sent_at: string | null;
  first_failure: string | null;
  last_failure: string | null;
  history: {
    at: string;
    outcome: string;
    reason: string;
    status: number | null;
    error: string;
    api_answer: string | null;
    correction_id: string | null;
  }[];
  /** The newest one. */
  correction: {
    id: string;
    by: string;
    at: string;
    changed: string[];
    row: Record<string, unknown>;
  } | null;
  resolution: {
    kind: string;
    at: string;
    by: string | null;
    why: string | null;
    correction_id: string | null;
  } | null;
}

/**
 * @param receipt undefined while its batch is in progress
 * @param dead undefined until a consumer has received its letter
 */
export function describeDead(
  file: FileAccount,
  record: number,
  receipt: Receipt | undefined,
  dead: DeadRecord | undefined,
): DeadDescription {
  const last = dead && lastAttemptOf(dead);
  const first = dead?.history[0];
  return {
    file_id: file.fileId,
    feed: file.feed,
    lane: file.lane,
    source_file: receipt?.source_file ?? uriOf(file.source),
    file_is_cancelled: isCancelled(file),
    record,
    line: receipt?.line ?? null,
    offset: receipt?.offset ?? null,
    length: receipt?.length ?? null,
    sha256: receipt?.sha256 ?? null,
    state: dead?.state ?? 'dead',
    outcome: last?.outcome ?? receipt?.outcome ?? 'unknown',
    reason: last?.reason ?? receipt?.reason ?? 'unknown',
    error: last?.error ?? receipt?.error ?? '',
    // The field at fault is given once, with the first failure: it is the same while the reason is.
    field: last === undefined || last.reason === receipt?.reason ? (receipt?.field ?? null) : null,
    http_status: last ? last.status : (receipt?.status ?? null),
    // An item of an earlier version has no answer in its history: the receipt has that to the first try.
    api_answer: last?.answer ?? (last === undefined || last === first ? (receipt?.api_answer ?? null) : null),
    request_id: dead?.requestId ?? receipt?.request_id ?? null,
    attempts: receipt?.attempts ?? null,
    raw_encoding: receipt?.raw_encoding ?? null,
    raw_payload: receipt?.raw_payload ?? null,
    letter_id: dead?.letterId ?? null,
    message_id: dead?.messageId ?? null,
    sent_at: isoTimeOrNull(dead?.messageSentAt),
    first_failure: isoTimeOrNull(first?.at) ?? receipt?.at ?? null,
    last_failure: isoTimeOrNull(last?.at) ?? receipt?.at ?? null,
    history: (dead?.history ?? []).map(({ at, outcome, reason, status, error, answer, correctionId }) => ({
      at: isoTime(at),
      outcome,
      reason,
      status,
      error,
      api_answer: answer ?? null,
      correction_id: correctionId ?? null,
    })),
    correction: correctionOf(dead),
    resolution: resolutionOf(dead),
  };
}

function correctionOf(dead: DeadRecord | undefined): DeadDescription['correction'] {
  if (!dead?.correction) return null;
  const { id, by, at, changed, row } = dead.correction;
  return { id, by, at: isoTime(at), changed, row };
}

function resolutionOf(dead: DeadRecord | undefined): DeadDescription['resolution'] {
  if (dead?.resolution === undefined) return null;
  const { resolution, resolvedAt = 0, resolvedBy, resolvedWhy, resolvedCorrectionId } = dead;
  return {
    kind: resolution,
    at: isoTime(resolvedAt),
    by: resolvedBy ?? null,
    why: resolvedWhy ?? null,
    correction_id: resolvedCorrectionId ?? null,
  };
}
