import { Buffer } from 'node:buffer';
import { isGenuine, signed } from '../core/authenticity.ts';
import { AlteredMessageError, ContradictionError } from '../core/errors.ts';
import type { Correction, DeadAttempt, DeadRecord, FileAccount } from '../core/account/file-account.ts';
import { isCancelled } from '../core/account/quarantine.ts';
import { requestIdOf, sha256Of, suffixOf } from '../core/records/identity.ts';
import { mapRow } from '../core/records/prepare-record.ts';
import { successorDelaySeconds } from '../core/limiter/retry.ts';
import type { CorrectionMessage } from '../messages.ts';
import type { Deadline } from '../runtime/deadline.ts';
import type { InTurn } from '../runtime/in-turn.ts';
import { askToAmend } from '../ask-finalizer.ts';
import { supersededBy } from '../core/series/superseded-letter.ts';
import type { ConsumerPorts } from './consumer-ports.ts';
import { cancelledFault } from './retry-letter.ts';
import { conflictReason, earlierUnknown, refusalOf } from '../core/answers/refusal.ts';
import type { OneEnd } from './send-one.ts';
import { mayHaveEarlier } from '../core/series/revision.ts';
import { beginTry } from './begin-try.ts';
import { sendOne } from './send-one.ts';
import { deliveryAnswerOf } from './sendable.ts';
import { sinkRequestOf } from './sink-request.ts';

/** Failed tries before a correction is abandoned; the record's own letter remains. */
const maxFailures = 3;

/**
 * Sends a corrected row in place of a dead record. Its request id contains the original file's checksum: if the record was
 * delivered after all, the API answers so instead of scheduling it twice. The message is finished whatever the outcome.
 */
export function tryCorrection(
  message: CorrectionMessage,
  ports: ConsumerPorts & { inTurn: InTurn },
  deadline: Deadline,
): Promise<void> {
  return ports.inTurn(() => tryNow(message, ports, deadline));
}

/** In its turn: while others had theirs, its file may have been cancelled. */
async function tryNow(message: CorrectionMessage, ports: ConsumerPorts, deadline: Deadline): Promise<void> {
  const { file_id: fileId, record } = message;
  const file = await ports.ledger.getFile(fileId);
  if (file?.sha256 === undefined) {
    throw new ContradictionError(`The correction ${message.correction_id} is about a file that is not in the ledger.`);
  }
  await refuseAltered(message, file, ports);
  // Before it is begun: a correction that waits for a resume was not sent.
  const stoppedUntilMs = await ports.limiter.stoppedUntil();
  if (stoppedUntilMs !== undefined) {
    return ports.letters.sendBack(message, Math.max(1, (stoppedUntilMs - ports.clock.now()) / 1000));
  }
  const begun = await ports.ledger.beginCorrection(fileId, record, correctionOf(message));
  if (!begun) {
    ports.log.info('correction of a record that is not dead (any more)', correlated(message));
    // The consumer that resolved it may have died before it asked the finalizer.
    return askToAmend(file, ports);
  }
  if (begun.dead.history.some(({ correctionId }) => correctionId === message.correction_id)) return;
  // Also if it is cancelled: it can't be released any more.
  if (file.supersededBy) return endSuperseded(message, file.supersededBy.fileId, ports);
  if (isCancelled(file)) return fail(message, cancelledFault(begun.dead), ports);
  await send(message, { ...file, sha256: file.sha256 }, begun, ports, deadline);
}

/**
 * A person is responsible for the sender and the row; they are authenticated with the file's key. The ledger decides
 * whether it belongs to this record.
 * @throws AlteredMessageError
 */
async function refuseAltered(
  message: CorrectionMessage,
  file: FileAccount,
  { ledger, feed }: ConsumerPorts,
): Promise<void> {
  const dead = await ledger.getDead(file.fileId, message.record);
  const isOfRecord = dead?.sha256 === undefined || dead.sha256 === message.sha256;
  if (file.feed === feed.name && isOfRecord && isGenuine(message, file)) return;
  throw new AlteredMessageError(
    `The correction ${message.correction_id} was altered, or belongs to another record: it is not sent, and goes to ` +
      'the DLQ. Reingest the row.',
  );
}

async function send(
  message: CorrectionMessage,
  file: FileAccount & { sha256: string },
  { dead, repeated }: { dead: DeadRecord; repeated: boolean },
  ports: ConsumerPorts,
  deadline: Deadline,
): Promise<void> {
  const mapped = mapRow(message.row, ports.feed);
  if (mapped.kind === 'problem') {
    const { reason, message: error } = mapped.problem;
    return fail(message, { outcome: 'rejected', reason, error, status: null }, ports);
  }
  const { identity, json } = mapped;
  const requestId = requestIdOf(identity, ...(file.bundle ? ([message.sha256] as const) : suffixOf(file)));
  // It has no place in the file: its own bytes, with the number of the record that it replaces.
  const place = { sha256: sha256Of(Buffer.from(JSON.stringify(message.row))), record: message.record, offset: 0 };
  const isKnown = message.as_new === true || dead.requestId === requestId;
  if (!isKnown && mayHaveEarlier(file)) return fail(message, earlierUnknown, ports);
  const earlier = message.as_new ? undefined : dead.earlier;
  const request = sinkRequestOf(place, { requestId, identity, json }, file, earlier);
  const successor = await beginTry(file.fileId, ports);
  if (successor !== undefined) return endSuperseded(message, successor, ports);
  const correction: Correction = { ...correctionOf(message), requestId };
  const note = () => ports.ledger.noteCorrection(file.fileId, message.record, correction);
  const end = await sendOne(request, repeated, ports, deadline, note);
  if (end.kind === 'over') {
    ports.log.info('correction of a record that is resolved, or corrected again', correlated(message));
    return askToAmend(file, ports);
  }
  const verdict = end.kind === 'verdict' ? end.verdict : undefined;
  if (verdict?.kind === 'uploaded' && !(verdict.confirmedBy409 && mayHoldAnother(dead, requestId))) {
    const resolution = {
      kind: 'uploaded' as const,
      requestId,
      correction,
      answer: deliveryAnswerOf(verdict),
    };
    await ports.ledger.resolveDead(file.fileId, message.record, resolution);
    ports.log.info('dead letter resolved by a correction', correlated(message, { request_id: requestId }));
    return askToAmend(file, ports);
  }
  const fault = faultOf(end, message.failures, request.supersedes !== undefined);
  if (fault) return fail(message, { ...fault, requestId }, ports);
  if (end.kind === 'waiting' && end.wasOnlyNoted && !repeated) {
    await ports.ledger.noteCorrection(file.fileId, message.record, { ...correction, isUnsent: true });
  }
  const [later, delaySeconds] = laterFor(message, end, ports);
  await ports.letters.sendBack(signed(later, file), delaySeconds);
}

/** A newer revision of the file has the record as it should be. */
async function endSuperseded(message: CorrectionMessage, successor: string, ports: ConsumerPorts): Promise<void> {
  await ports.ledger.resolveDead(message.file_id, message.record, supersededBy(successor));
  ports.log.info('correction of a superseded revision not tried', correlated(message, { revision: successor }));
  await askToAmend({ fileId: message.file_id, feed: message.feed }, ports);
}

/** Whether the API may hold the original record under this request id, from a try with unknown outcome. */
function mayHoldAnother(dead: DeadRecord, requestId: string): boolean {
  const isAnotherId = dead.requestId !== null && dead.requestId !== requestId;
  return !isAnotherId && dead.history.some(({ outcome }) => outcome === 'exhausted');
}

/** Undefined if it is to be tried again. */
function faultOf(
  end: OneEnd,
  failures: number,
  supersedes: boolean,
): Omit<DeadAttempt, 'at' | 'correctionId'> | undefined {
  if (end.kind === 'failed' && failures + 1 >= maxFailures) {
    const error = `the API failed on the corrected row, last with ${end.reason}`;
    return { outcome: 'exhausted', reason: end.reason, error, status: end.status, ...answerOf(end) };
  }
  if (end.kind !== 'verdict') return undefined;
  const { status } = end.verdict;
  if (end.verdict.kind === 'refused') {
    const refusal = refusalOf(status, end.verdict.answer, 'corrected row', supersedes);
    const { attempts } = end.verdict;
    return { outcome: 'refused', ...refusal, status, ...answerOf(end.verdict), ...(attempts > 1 && { attempts }) };
  }
  const error =
    'the API already has an entry under this request id and did not accept the corrected row; ' +
    'look up the entry, and resolve the record by hand';
  return { outcome: 'refused', reason: conflictReason, error, status, ...answerOf(end.verdict) };
}

const answerOf = ({ answer }: { answer?: string }) => (answer === undefined || answer === '' ? {} : { answer });

function laterFor(message: CorrectionMessage, end: OneEnd, ports: ConsumerPorts): [CorrectionMessage, number] {
  const secondsUntil = (timeMs: number | undefined) => ((timeMs ?? 0) - ports.clock.now()) / 1000;
  if (end.kind === 'failed') {
    const failures = message.failures + 1;
    const retrySeconds = successorDelaySeconds(failures, ports.random());
    return [{ ...message, failures }, Math.max(retrySeconds, secondsUntil(end.notBeforeMs))];
  }
  return [message, Math.max(1, secondsUntil(end.kind === 'waiting' ? end.untilMs : undefined))];
}

async function fail(
  message: CorrectionMessage,
  fault: Omit<DeadAttempt, 'at' | 'correctionId'>,
  ports: ConsumerPorts,
): Promise<void> {
  const attempt = { at: ports.clock.now(), ...fault, correctionId: message.correction_id };
  await ports.ledger.addFailure(message.file_id, message.record, attempt, undefined);
  ports.log.info('correction failed', correlated(message, { reason: fault.reason }));
}

function correctionOf({ correction_id: id, by, why, at, row, changed, as_new }: CorrectionMessage): Correction {
  const decided = { ...(why === undefined ? {} : { why }), ...(as_new ? { isNew: as_new } : {}) };
  return { id, by, ...decided, at: Date.parse(at), row, changed };
}

function correlated(message: CorrectionMessage, fields: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    correlation_id: `${message.file_id}/${message.record}`,
    correction_id: message.correction_id,
    ...fields,
  };
}
