import type { RecordEnd } from '../core/account/progress.ts';
import { refusalOf } from '../core/answers/refusal.ts';
import type { BatchAttempt } from './batch-attempt.ts';
import type { Parked, SendEnd, Verdict } from './sendable.ts';

/** Rejects need no API: they end at once, each with its letter. */
export function rejectBad(attempt: BatchAttempt): void {
  for (const place of attempt.left()) {
    if (attempt.records[place]?.result.kind === 'rejected') {
      attempt.end(place, { outcome: 'rejected', status: null, attempts: 0 });
    }
  }
}

/** The API has decided about the record. */
export function endByVerdict(attempt: BatchAttempt, place: number, verdict: Verdict): void {
  const { status, attempts, answer } = verdict;
  const isSuperseding = attempt.plans[place]?.earlier !== undefined;
  const ended: RecordEnd = { outcome: verdict.kind, status, attempts };
  if (verdict.kind === 'uploaded' && verdict.confirmedBy409) ended.confirmedBy = '409';
  if (answer !== undefined) ended.answer = answer;
  if (verdict.kind === 'refused') Object.assign(ended, refusalOf(status, verdict.answer, 'record', isSuperseding));
  attempt.end(place, ended);
}

/** The API failed on them in every attempt, or refused the token for them alone. */
export function exhaust(attempt: BatchAttempt, parked: readonly Parked[]): void {
  for (const { place, status, reason, attempts, answer } of parked) {
    const ended = { status, attempts, ...(answer === undefined ? {} : { answer }) };
    // That ends here only if others passed with the same token: see send-records.ts.
    const isRefused = status === 401 || status === 403;
    const error = `the API failed on the record, last with ${reason}; its batch has had all its attempts`;
    if (isRefused) attempt.end(place, { ...ended, outcome: 'refused', ...refusalOf(status, answer ?? '') });
    else attempt.end(place, { ...ended, outcome: 'exhausted', reason, error });
  }
}

/**
 * The breaker has been open for long: the batch's remaining records become dead letters, where an operator sees them. If
 * the API failed on all of them before while others passed, it may not be down: then only the record of the last probe
 * fails, with the reason of its answer.
 */
export function flush(attempt: BatchAttempt, last: Extract<SendEnd['stopped'], { kind: 'flush' }>): void {
  const { journal } = attempt;
  const left = attempt.left();
  const isOwn = (attempt.hasUploaded() || left.length === 1) && left.every((place) => journal.wasSent(place));
  const why = isOwn
    ? {
        ...{ status: last.status, reason: last.reason, ...(last.answer === undefined ? {} : { answer: last.answer }) },
        error: `the API keeps failing on the record: ${last.reason}`,
      }
    : {
        status: null,
        reason: 'circuit_open',
        error: 'the API was down for too long; redrive the record when the API is available',
      };
  // The probe's record may have got its verdict since.
  for (const place of isOwn ? left.filter((each) => each === last.place) : left) {
    attempt.end(place, { outcome: 'exhausted', attempts: journal.wasSent(place) ? 1 : 0, ...why });
  }
}

/**
 * Of a file that a newer revision goes on without, nothing is sent any more: whether the API has what an attempt may have
 * sent stays unknown, and the newer revision treats it so.
 */
export function exhaustAbandoned(attempt: BatchAttempt): void {
  const { abandonedFor } = attempt.file;
  if (abandonedFor === undefined) return;
  const error =
    `the file ${abandonedFor.fileId} is a newer revision, and a person has decided that it goes on without this file: whether the ` +
    'API has stored the record is not known, and it is not sent again';
  for (const place of attempt.left()) {
    attempt.end(place, { outcome: 'exhausted', status: null, attempts: 1, reason: 'superseded', error });
  }
}

/**
 * Holds the records that were not sent. Records that an earlier attempt may have sent, or that this one has sent without
 * a verdict, continue: saying that they were not sent would be a guess.
 */
export function holdUnsent(attempt: BatchAttempt, tried: ReadonlySet<number> = new Set()): void {
  for (const place of attempt.left()) {
    if (attempt.journal.mayHaveBeenSent(place) || tried.has(place)) continue;
    attempt.end(place, { outcome: 'held', status: null, attempts: 0 });
  }
}
