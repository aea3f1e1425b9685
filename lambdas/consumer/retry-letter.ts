import { jitterMarginMs, slotSpacingMs } from '../core/limiter.ts';
import { ContradictionError } from '../core/errors.ts';
import { sha256Of } from '../core/identity.ts';
import type { DeadAttempt } from '../core/file-account.ts';
import { prepareRecord } from '../core/prepare-record.ts';
import type { Letter } from '../messages.ts';
import type { Deadline } from '../runtime/deadline.ts';
import type { ConsumerPorts } from './deliver-batch.ts';
import type { SendJournal, Verdict } from './send-records.ts';
import { RecordSender } from './send-records.ts';
import { SlotPacer } from './slot-pacer.ts';

/** Redriven letters of one file are gathered this long before the account is amended. Seconds. */
const amendAfterSeconds = 20;

/** A letter that the API could not take just now is tried again by its next receive, after this. Seconds. */
const retryAfterSeconds = 20;

export type LetterEnd =
  /** Nothing depends on the message any more. */
  | { kind: 'done' }
  /** Back to its queue, visible after that many seconds; SQS moves it to the DLQ when it has had its receives. */
  | { kind: 'back'; visibleAfterSeconds: number };

/** Runs works one after the other; the next begins when the one before has ended, however it ended. */
export type InTurn = <T>(work: () => Promise<T>) => Promise<T>;

export interface LetterPorts extends ConsumerPorts {
  inTurn: InTurn;
}

/**
 * What a letter's message is here for. A fresh one only passes through, on its way to the DLQ: the console's redrive
 * works for messages that SQS itself moved there. One that was sent after the record's last failure is a redrive:
 * the record is tried again. Only SQS's clock is asked, and only one send time compared with another.
 */
export async function handleLetter(
  letter: Letter,
  messageSentAt: number,
  ports: LetterPorts,
  deadline: Deadline,
): Promise<LetterEnd> {
  const adoption = await ports.ledger.adoptLetter(letter, messageSentAt);
  if (adoption.kind === 'surplus') {
    ports.log.info('surplus letter', correlated(letter, { letter_id: letter.letter_id }));
    return { kind: 'done' };
  }
  if (adoption.dead.state === 'resolved') {
    // The one that resolved it may have died before it asked.
    await askToAmend(letter, ports);
    return { kind: 'done' };
  }
  if (messageSentAt <= adoption.dead.failedMessageSentAt) return { kind: 'back', visibleAfterSeconds: 0 };
  return ports.inTurn(() => retry(letter, messageSentAt, ports, deadline));
}

async function retry(
  letter: Letter,
  messageSentAt: number,
  ports: ConsumerPorts,
  deadline: Deadline,
): Promise<LetterEnd> {
  const prepared = await prepareLetter(letter, ports);
  if (prepared.kind === 'rejected')
    return failForGood(letter, messageSentAt, { ...prepared.fault, status: null }, ports);

  let verdict: Verdict | undefined;
  const end = await sendOne(letter, prepared, ports, deadline, (told) => (verdict = told));
  if (verdict?.kind === 'uploaded' || verdict?.kind === 'duplicate') {
    return resolve(letter, verdict.kind, prepared.requestId, ports);
  }
  if (verdict) {
    const error = `the API refused the record with ${verdict.status}: ${verdict.answer}`;
    return failForGood(
      letter,
      messageSentAt,
      { outcome: 'refused', reason: `http_${verdict.status}`, error, status: verdict.status },
      ports,
    );
  }
  const [parked] = end.parked;
  if (parked) {
    const error = `the API failed on the record, last with ${parked.reason}`;
    const attempt = { outcome: 'exhausted' as const, reason: parked.reason, error, status: parked.status };
    await ports.ledger.addFailure(letter.file_id, letter.record, { at: ports.clock.now(), ...attempt }, undefined);
    return { kind: 'back', visibleAfterSeconds: retryAfterSeconds };
  }
  // Paused or out of time: waiting is not failing, so it goes back as a message of its own, with all its receives.
  const pauseMs = end.stopped?.kind === 'paused' ? end.stopped.untilMs - ports.clock.now() : 0;
  await ports.letters.sendBack(letter, Math.max(1, pauseMs / 1000));
  return { kind: 'done' };
}

type PreparedLetter =
  | { kind: 'good'; requestId: string; payload: Record<string, unknown> }
  | { kind: 'rejected'; fault: Pick<DeadAttempt, 'outcome' | 'reason' | 'error'> };

/** The record once more, from the letter's raw payload: the schema may have changed since. */
async function prepareLetter(letter: Letter, ports: ConsumerPorts): Promise<PreparedLetter> {
  const rejected = (reason: string, error: string): PreparedLetter => ({
    kind: 'rejected',
    fault: { outcome: 'rejected', reason, error },
  });
  if (letter.raw_encoding === 'head') return rejected(letter.reason, letter.error);
  const file = await ports.ledger.getFile(letter.file_id);
  if (!file?.dialect || file.sha256 === undefined) {
    throw new ContradictionError(`The letter ${letter.letter_id} is about a file that the ledger does not know.`);
  }
  const bytes = Buffer.from(letter.raw_payload, letter.raw_encoding === 'text' ? 'utf8' : 'base64');
  // A letter is evidence: what was changed on the way is another record, and not this one's to resolve.
  if (sha256Of(bytes) !== letter.sha256) return rejected('payload_changed', 'the payload is not the one of the record');
  const cut = { record: letter.record, line: letter.line, offset: letter.offset, bytes, problem: null };
  const { result } = prepareRecord(cut, ports.feed, file.dialect, file.sha256);
  return result.kind === 'good' ? result : rejected(result.problem.reason, result.problem.message);
}

function sendOne(
  letter: Letter,
  prepared: Extract<PreparedLetter, { kind: 'good' }>,
  ports: ConsumerPorts,
  deadline: Deadline,
  onVerdict: (verdict: Verdict) => void,
) {
  const abort = new AbortController();
  const pacer: SlotPacer = new SlotPacer({
    limiter: ports.limiter,
    clock: ports.clock,
    connections: 1,
    spacingMs: slotSpacingMs(ports.limit),
    marginMs: jitterMarginMs(ports.limit),
    windowMs: ports.limit.windowSeconds * 1000,
    demand: () => sender.demand(),
    deadline,
    signal: abort.signal,
  });
  const journal: SendJournal = {
    get: () => undefined,
    // A record that was asked for before may have been stored then.
    mayHaveBeenSent: () => letter.attempts > 0,
    allow: () => Promise.resolve(),
    close: () => undefined,
    sending: () => undefined,
    keepAlive: () => undefined,
  };
  const sender: RecordSender = new RecordSender(
    { ...ports, connections: 1, mayFlush: false },
    journal,
    pacer,
    deadline,
    abort.signal,
    (_, verdict) => onVerdict(verdict),
  );
  return sender
    .send([{ place: 0, requestId: prepared.requestId, payload: prepared.payload, leader: undefined }])
    .finally(() => abort.abort());
}

async function resolve(
  letter: Letter,
  resolution: 'uploaded' | 'duplicate',
  requestId: string,
  ports: ConsumerPorts,
): Promise<LetterEnd> {
  const { file_id: fileId, record } = letter;
  await ports.ledger.resolveDead(fileId, record, resolution, requestId);
  ports.log.info('dead letter resolved', correlated(letter, { resolution, request_id: requestId }));
  await askToAmend(letter, ports);
  return { kind: 'done' };
}

async function askToAmend({ file_id: fileId, feed }: Letter, ports: ConsumerPorts): Promise<void> {
  // Asked for again where it was asked for long ago and has not come.
  if (await ports.ledger.requestAmendment(fileId, 10 * amendAfterSeconds * 1000)) {
    await ports.finalize.send({ v: 1, kind: 'finalize', feed, fileId, amend: true }, amendAfterSeconds);
  }
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
