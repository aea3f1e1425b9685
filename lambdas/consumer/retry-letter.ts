import { ContradictionError } from '../core/errors.ts';
import { sha256Of, suffixOf } from '../core/records/identity.ts';
import { isCancelled } from '../core/account/quarantine.ts';
import { readingOf } from '../core/account/reading.ts';
import type { DeadAttempt, DeadRecord, FileAccount } from '../core/account/file-account.ts';
import { prepareRecord } from '../core/records/prepare-record.ts';
import { cancelledReason } from '../core/dead-letters/dead-history.ts';
import { buriedLetterId } from '../core/dead-letters/letter-of.ts';
import { memberFaults } from '../core/records/bundle.ts';
import { memberProblem } from '../core/records/cut-slice.ts';
import { memberSourceOf } from '../core/account/source-uri.ts';
import type { Letter } from '../messages.ts';
import { isUnproven, judgeLetter, noteAltered } from '../dead-letters/judge-letter.ts';
import { supersededBy } from '../core/series/superseded-letter.ts';
import type { LetterAdoption, SinkRequest } from '../ports.ts';
import type { Deadline } from '../runtime/deadline.ts';
import type { InTurn } from '../runtime/in-turn.ts';
import type { ConsumerPorts } from './consumer-ports.ts';
import { auditRecords } from '../settlement/audit-records.ts';
import type { Verdict } from './sendable.ts';
import { deliveryAnswerOf } from './sendable.ts';
import { askToAmend } from '../ask-finalizer.ts';
import { earlierUnknown, refusalOf } from '../core/answers/refusal.ts';
import { provenPause } from '../core/limiter/pause-evidence.ts';
import { mayHaveEarlier } from '../core/series/revision.ts';
import { beginTry } from './begin-try.ts';
import { sendOne } from './send-one.ts';
import { sinkRequestOf } from './sink-request.ts';

/** A letter that the API could not take is tried again with its next receive, after this. Seconds. */
const retryAfterSeconds = 20;

export type LetterEnd =
  /** Nothing depends on the message any more. */
  | { kind: 'done' }
  /** Back to its queue, visible after that many seconds; SQS moves it to the DLQ when its receives are used up. */
  | { kind: 'back'; visibleAfterSeconds: number };

/** The message that carries a letter, with SQS's attributes. */
export interface LetterMessage {
  id: string;
  /** Milliseconds since 1970. */
  sentAt: number;
  /** How often it was received, this time included. */
  receives: number;
}

export interface LetterPorts extends ConsumerPorts {
  inTurn: InTurn;
}

/**
 * Handles a letter's message. A fresh letter only passes through on its way to the DLQ, because the console's redrive works
 * only for messages that SQS itself moved there. A letter sent after the record's last failure is a redrive: the record is
 * tried again. Only SQS's clock is used: send times are compared with each other. A letter that is not exactly what Sluice
 * sent is not tried and changes no account: it goes to the DLQ, and the desk is notified.
 */
export async function handleLetter(
  letter: Letter,
  message: LetterMessage,
  ports: LetterPorts,
  deadline: Deadline,
): Promise<LetterEnd> {
  const recognised = await recogniseLetter(letter, message, ports);
  if (recognised.kind === 'altered') return returnAltered(letter, message, ports);
  if (recognised.kind === 'surplus') {
    ports.log.info('surplus letter', correlated(letter, { letter_id: letter.letter_id }));
    return { kind: 'done' };
  }
  const { dead } = recognised;
  if (dead.state === 'resolved') {
    // The consumer that resolved it may have died before it asked the finalizer.
    await askToAmend({ fileId: letter.file_id, feed: letter.feed }, ports);
    return { kind: 'done' };
  }
  if (message.sentAt <= dead.failedMessageSentAt) return { kind: 'back', visibleAfterSeconds: 0 };
  return ports.inTurn(() => retry(letter, dead, message, ports, deadline));
}

/** Checks the letter, and notes its message unless an earlier receive has: a read costs a fifth or less of a write. */
async function recogniseLetter(
  letter: Letter,
  message: LetterMessage,
  { ledger, feed }: LetterPorts,
): Promise<LetterAdoption | { kind: 'altered' }> {
  const judgement = await judgeLetter(letter, message, { ledger, feed: feed.name });
  if (judgement.kind === 'new') return ledger.adoptLetter(letter, message, judgement.digests);
  if (judgement.kind !== 'known') return judgement;
  const { dead } = judgement;
  if (dead.messageId === message.id && dead.messageSentAt === message.sentAt) return { kind: 'adopted', dead };
  return ledger.adoptLetter(letter, message, isUnproven(dead) ? null : undefined);
}

/** Sends it back to the DLQ without a try. A repetition notes nothing new. */
async function returnAltered(letter: Letter, message: LetterMessage, ports: ConsumerPorts): Promise<LetterEnd> {
  await noteAltered(letter, message, { ledger: ports.ledger, feed: ports.feed.name });
  ports.log.error('altered letter not tried', correlated(letter, { message_id: message.id }));
  return { kind: 'back', visibleAfterSeconds: 0 };
}

async function retry(
  letter: Letter,
  dead: DeadRecord,
  message: LetterMessage,
  ports: ConsumerPorts,
  deadline: Deadline,
): Promise<LetterEnd> {
  const { sentAt: messageSentAt } = message;
  const file = await ports.ledger.getFile(letter.file_id);
  // Also if it is cancelled: it can't be released any more.
  if (file?.supersededBy) return endSuperseded(letter, file.supersededBy.fileId, ports);
  if (file && isCancelled(file)) return failForGood(letter, messageSentAt, cancelledFault(dead), ports);
  // Before anything is noted: a record that waits for a resume was not sent.
  const stoppedUntilMs = await ports.limiter.stoppedUntil();
  if (stoppedUntilMs !== undefined) return sendBack(letter, stoppedUntilMs, ports);
  const prepared = await prepareLetter(letter, file, ports);
  if (prepared.kind === 'altered') return returnAltered(letter, message, ports);
  if (isUnproven(dead)) {
    // An earlier version kept nothing else to compare with: a record with other identity fields has another request id.
    const requestId = prepared.kind === 'good' ? prepared.request.requestId : null;
    if (requestId === null || requestId !== dead.requestId) return returnAltered(letter, message, ports);
  }
  if (prepared.kind === 'rejected')
    return failForGood(letter, messageSentAt, { ...prepared.fault, status: null }, ports);

  if (file && mayHaveEarlier(file) && !wasCompared(letter, prepared.request, file, ports))
    return failForGood(letter, messageSentAt, earlierUnknown, ports);

  const successor = await beginTry(letter.file_id, ports);
  if (successor !== undefined) return endSuperseded(letter, successor, ports);
  const { requestId } = prepared.request;
  // A record that was sent before may have been stored; noted, so that the next attempt knows it after a kill. So does a
  // newer revision, which must know of each try whether the API may have it.
  const mayHaveBeenSent = letter.attempts > 0 || dead.sentSince !== undefined;
  const isNoted = !mayHaveBeenSent || file?.series !== undefined;
  let tries: number | undefined;
  const note = async () => {
    if (isNoted) tries = await ports.ledger.noteSending(letter.file_id, letter.record, requestId);
    return !isNoted || tries !== undefined;
  };
  // It became a letter because the API asked to wait for it alone: other records do not wait for it again.
  const pauses = letter.http_status === 429 ? provenPause(ports.clock.now()) : undefined;
  const end = await sendOne(prepared.request, mayHaveBeenSent, ports, deadline, note, pauses);
  if (end.kind === 'over') {
    // While it waited for its turn, a person or a correction has resolved it.
    await askToAmend({ fileId: letter.file_id, feed: letter.feed }, ports);
    return { kind: 'done' };
  }
  if (end.kind === 'failed') {
    const { reason, status, answer } = end;
    const attempt = {
      outcome: 'exhausted' as const,
      reason,
      error: `the API failed on the record, last with ${reason}`,
      status,
      requestId,
      ...(answer === undefined ? {} : { answer }),
    };
    await ports.ledger.addFailure(letter.file_id, letter.record, { at: ports.clock.now(), ...attempt }, undefined);
    const waitSeconds = ((end.notBeforeMs ?? 0) - ports.clock.now()) / 1000;
    return { kind: 'back', visibleAfterSeconds: Math.max(retryAfterSeconds, Math.ceil(waitSeconds)) };
  }
  if (end.kind === 'waiting') {
    if (end.wasOnlyNoted && tries) await ports.ledger.takeBackSending(letter.file_id, letter.record, tries);
    return sendBack(letter, end.untilMs, ports);
  }
  const { verdict } = end;
  if (verdict.kind !== 'refused') return resolve(letter, verdict, prepared, ports);
  const { status, answer, attempts } = verdict;
  const refusal = refusalOf(status, answer, 'record', letter.earlier_checksums !== undefined);
  const fault = {
    ...{ outcome: 'refused' as const, ...refusal, status, requestId },
    ...(answer && { answer }),
    ...(attempts > 1 && { attempts }),
  };
  return failForGood(letter, messageSentAt, fault, ports);
}

/**
 * Whether the splitter has compared the record, with the identity that it is sent with now: the feed's rules may have changed
 * that. A buried record has no request id in its letter; by the rules of then, it is good if it is good now.
 */
function wasCompared(
  letter: Letter,
  { requestId }: Pick<SinkRequest, 'requestId'>,
  { dialect, limits, reading }: FileAccount,
  { feed }: ConsumerPorts,
): boolean {
  if (letter.request_id !== null) return letter.request_id === requestId;
  const isBuried = letter.letter_id === buriedLetterId(letter.file_id, letter.record);
  return isBuried && dialect !== undefined && reading === readingOf(dialect, limits, feed);
}

/** Waiting is not a failure, so it goes back as a new message, with all its receives. */
async function sendBack(letter: Letter, untilMs = 0, { letters, clock }: ConsumerPorts): Promise<LetterEnd> {
  await letters.sendBack(letter, Math.max(1, (untilMs - clock.now()) / 1000));
  return { kind: 'done' };
}

type PreparedLetter =
  | { kind: 'good'; request: SinkRequest; correlationId: string | undefined }
  | { kind: 'rejected'; fault: Pick<DeadAttempt, 'outcome' | 'reason' | 'error'> }
  /** The object under its key is not the record that failed. */
  | { kind: 'altered' };

/**
 * Prepares the record again, from the letter's raw payload or the object it points to: the schema may have changed since.
 */
async function prepareLetter(
  letter: Letter,
  file: FileAccount | undefined,
  ports: ConsumerPorts,
): Promise<PreparedLetter> {
  const rejected = (reason: string, error: string): PreparedLetter => ({
    kind: 'rejected',
    fault: { outcome: 'rejected', reason, error },
  });
  const isApart = letter.raw_encoding === 'head';
  if (isApart && letter.payload_key === undefined) return rejected(letter.reason, letter.error);
  if (!file?.dialect || file.sha256 === undefined) {
    throw new ContradictionError(`The letter ${letter.letter_id} is about a file that is not in the ledger.`);
  }
  const stored = letter.payload_key === undefined ? undefined : await ports.payloads.getPayload(letter.payload_key);
  if (isApart && !stored) {
    return rejected(
      'payload_gone',
      `the record was stored as ${letter.payload_key ?? ''} and can't be read there any more`,
    );
  }
  const bytes = stored ?? Buffer.from(letter.raw_payload, letter.raw_encoding === 'text' ? 'utf8' : 'base64');
  if (stored && sha256Of(stored) !== letter.sha256) return { kind: 'altered' };
  // The letter is known to be the one that was sent; this check is for letters of an earlier version, and for defects.
  if (sha256Of(bytes) !== letter.sha256)
    return rejected('payload_changed', 'the payload does not belong to the record');
  const fault = memberFaults.find((each) => each === letter.reason);
  const problem = file.bundle ? memberProblem(bytes, fault) : null;
  const cut = { record: letter.record, line: letter.line, offset: letter.offset, bytes, problem };
  const { result, correlationId } = prepareRecord(
    cut,
    ports.feed,
    file.dialect,
    suffixOf({ ...file, sha256: file.sha256 }),
  );
  if (result.kind === 'rejected') return rejected(result.problem.reason, result.problem.message);
  const source = file.bundle ? memberSourceOf(letter) : undefined;
  const place = { ...letter, ...(source ? { source } : {}) };
  const request = sinkRequestOf(place, result, file, letter.earlier_checksums);
  return { kind: 'good', request, correlationId };
}

/** The letter of a file that a person has stopped: it goes back to the DLQ, and the record stays dead as it was. */
export function cancelledFault({ outcome }: Pick<DeadRecord, 'outcome'>): Omit<DeadAttempt, 'at'> {
  const error = 'its file is cancelled, so nothing of it is sent; release the file first';
  return { outcome, reason: cancelledReason, error, status: null };
}

async function resolve(
  letter: Letter,
  verdict: Verdict & { kind: 'uploaded' | 'duplicate' },
  { request: { requestId }, correlationId }: Extract<PreparedLetter, { kind: 'good' }>,
  ports: ConsumerPorts,
): Promise<LetterEnd> {
  const { file_id: fileId, record, sha256 } = letter;
  const { kind: resolution, status } = verdict;
  const entry = { record, sha256, outcome: resolution, status, correlation_id: correlationId };
  auditRecords(fileId, [entry], ports.feed, ports.log);
  await ports.ledger.resolveDead(fileId, record, { kind: resolution, requestId, answer: deliveryAnswerOf(verdict) });
  ports.log.info('dead letter resolved', correlated(letter, { resolution, request_id: requestId }));
  await askToAmend({ fileId, feed: letter.feed }, ports);
  return { kind: 'done' };
}

/** A newer revision of the file has the record as it should be. */
async function endSuperseded(letter: Letter, successor: string, ports: ConsumerPorts): Promise<LetterEnd> {
  await ports.ledger.resolveDead(letter.file_id, letter.record, supersededBy(successor));
  ports.log.info('dead letter of a superseded revision not tried', correlated(letter, { revision: successor }));
  await askToAmend({ fileId: letter.file_id, feed: letter.feed }, ports);
  return { kind: 'done' };
}

async function failForGood(
  letter: Letter,
  messageSentAt: number,
  fault: Omit<DeadAttempt, 'at'>,
  ports: ConsumerPorts,
): Promise<LetterEnd> {
  await ports.ledger.addFailure(letter.file_id, letter.record, { at: ports.clock.now(), ...fault }, messageSentAt);
  ports.log.info('dead letter failed again', correlated(letter, { reason: fault.reason }));
  return { kind: 'back', visibleAfterSeconds: 0 };
}

function correlated(letter: Letter, fields: Record<string, unknown>): Record<string, unknown> {
  return { correlation_id: `${letter.file_id}/${letter.record}`, ...fields };
}
