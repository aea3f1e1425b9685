import type { DeliveryAnswer, FileAccount } from '../core/account/file-account.ts';
import type { Outcome } from '../core/account/outcome.ts';
import type { PauseEvidence } from '../core/limiter/pause-evidence.ts';
import type { SinkRequest } from '../ports.ts';

/** A record to send. */
export interface Sendable extends SinkRequest {
  /** Place in the batch, from 0. */
  place: number;
  /** The place of an earlier record in the batch with the same request id. */
  leader: number | undefined;
  /** Evidence from earlier attempts in which the API asked to wait because of this record. */
  pauses?: PauseEvidence | undefined;
}

/** The API's final answer on a record; with the answer's text if it is kept. */
export type Verdict = (
  | { kind: 'uploaded'; confirmedBy409: boolean; answer?: string }
  | { kind: 'duplicate'; answer?: string }
  | { kind: 'refused'; answer: string }
) & { status: number; attempts: number };

/** What is kept of the answer after a dead record was delivered. */
export function deliveryAnswerOf(verdict: Extract<Verdict, { kind: 'uploaded' | 'duplicate' }>): DeliveryAnswer {
  const { status, answer } = verdict;
  const isConfirmed = verdict.kind === 'uploaded' && verdict.confirmedBy409;
  return { status, ...(isConfirmed && { confirmedBy: '409' }), ...(answer === undefined ? {} : { answer }) };
}

/** A record on which the API failed as often as this attempt allows. */
export interface Parked {
  place: number;
  requestId: string;
  status: number | null;
  reason: string;
  attempts: number;
  answer?: string;
}

export interface SendEnd {
  parked: Parked[];
  /**
   * Why not everything was sent: the time is up; the API is paused until then; it has been paused for too long, and this
   * was its last answer; it refuses everything that it is sent with this status; or the file was stopped meanwhile.
   */
  stopped:
    | { kind: 'time' }
    | { kind: 'paused'; untilMs: number }
    | { kind: 'flush'; place: number; status: number | null; reason: string; answer?: string | undefined }
    | { kind: 'refusing'; status: number }
    | { kind: 'file-stopped'; file: FileAccount }
    | undefined;
  requests: number;
  /** Total time of all connections: waiting for send times, and in requests. Milliseconds. */
  waitedMs: number;
  requestedMs: number;
  /**
   * When the last try that may have stored a record without a verdict is over. Before then, a 409 to such a record can't be
   * trusted.
   */
  ambiguousUntilMs: number | undefined;
  /** By place: records without a verdict for which the API has asked to wait. */
  pauses: Map<number, PauseEvidence>;
  /** Places of records without a verdict that were sent, in this attempt or, as far as is known, in an earlier one. */
  tried: ReadonlySet<number>;
}

/** Why a sending stops before everything is sent. */
export type Stop = NonNullable<SendEnd['stopped']>;

/** What the sender needs to know and report about its records' history; a batch's journal, or a single letter's. */
export interface SendJournal {
  get(place: number): { outcome: Outcome } | undefined;
  mayHaveBeenSent(place: number): boolean;
  allow(place: number): Promise<void> | undefined;
  /** @param now milliseconds since 1970 */
  sending(place: number, now: number): void;
  keepAlive(): void;
  close(): void;
}
