import { askToFinalize } from '../ask-finalizer.ts';
import { gzipSync } from 'node:zlib';
import type { Feed } from '../../feeds/feed.ts';
import type { FailureRun } from '../core/limiter/breaker.ts';
import { workReceiptsKey } from '../core/account/archive-keys.ts';
import { isGenuine, signed } from '../core/authenticity.ts';
import { awsFaultOf } from '../core/aws-fault.ts';
import { AlteredMessageError, ContradictionError, LeaseLostError } from '../core/errors.ts';
import type { FileAccount } from '../core/account/file-account.ts';
import { sha256Of } from '../core/records/identity.ts';
import { jitterMarginMs, slotSpacingMs } from '../core/limiter/limiter.ts';
import type { RateLimit } from '../core/limiter/limiter.ts';
import { letterOf } from '../core/dead-letters/letter-of.ts';
import type { FailedOutcome, OutcomeCounts } from '../core/account/outcome.ts';
import { noCounts, sumCounts } from '../core/account/outcome.ts';
import type { Quarantine } from '../core/account/quarantine.ts';
import { isStopped, refusedFile, wrongFile } from '../core/account/quarantine.ts';
import type { PreparedRecord } from '../core/records/prepare-record.ts';
import type { DoneRecord } from '../core/account/progress.ts';
import { decodeProgress, noProgress } from '../core/account/progress.ts';
import { carryPauses, pausesOf } from '../core/limiter/pause-evidence.ts';
import { maxBatchFailures, successorDelaySeconds } from '../core/limiter/retry.ts';
import type { BatchMessage } from '../messages.ts';
import type {
  AuditLog,
  BatchClaim,
  BatchQueue,
  ClaimEnd,
  Clock,
  EventPublisher,
  FinalizeQueue,
  Ledger,
  LetterQueue,
  Limiter,
  Metrics,
  PayloadStore,
  ReceiptStore,
  Sink,
  TokenSource,
} from '../ports.ts';
import type { Deadline } from '../runtime/deadline.ts';
import { auditRecords } from './audit-records.ts';
import type { UnsentLetter } from './batch-journal.ts';
import { BatchJournal, batchLeaseMs } from './batch-journal.ts';
import { dissolveBatch } from './dissolve-batch.ts';
import { prepareBatch } from '../core/records/prepare-batch.ts';
import type { Receipt } from '../core/account/receipt.ts';
import { rawOf, receiptOf } from '../core/account/receipt-of.ts';
import { sourceFieldsOf } from '../core/account/source-uri.ts';
import { sinkRequestOf } from './sink-request.ts';
import { refusalOf } from '../core/answers/refusal.ts';
import type { Parked, SendEnd, Sendable, Verdict } from './send-records.ts';
import { RecordSender } from './send-records.ts';
import { SlotPacer } from './slot-pacer.ts';

export interface ConsumerPorts {
  ledger: Ledger;
  limiter: Limiter;
  sink: Sink;
  tokens: TokenSource;
  batches: BatchQueue;
  letters: LetterQueue;
  finalize: FinalizeQueue;
  receipts: ReceiptStore;
  payloads: PayloadStore;
  events: EventPublisher;
  clock: Clock;
  log: AuditLog;
  metrics: Metrics;
  feed: Feed;
  /** Names the API in log and events. */
  api: string;
  limit: RateLimit;
  /** Connections that this consumer may hold to the API for batches. */
  connections: number;
  /** This process's run of consecutive failures, kept across batches. */
  run: FailureRun;
  newId: () => string;
  random: () => number;
}

interface Attempt {
  message: BatchMessage;
  file: FileAccount;
  owner: string;
  records: PreparedRecord[];
  journal: BatchJournal;
  /** The counts of a batch that was settled with records held, which are sent now. */
  replaces: OutcomeCounts | undefined;
  begunAt: number;
}

/**
 * Delivers a batch: every record ends, or as many as time and the API allow, and a successor carries the rest. Resolves
 * once nothing depends on this message any more. @throws LeaseLostError if another consumer has the batch
 */
export async function deliverBatch(message: BatchMessage, ports: ConsumerPorts, deadline: Deadline): Promise<void> {
  const attempt = await beginAttempt(message, ports);
  if (!attempt) return;
  try {
    await finishAttempt(attempt, ports, deadline);
  } catch (error) {
    // The message comes back soon, and must not be blocked by its own lease.
    if (!(error instanceof LeaseLostError)) await attempt.journal.abandon(claimEndOf(error)).catch(() => undefined);
    throw error;
  }
}

async function finishAttempt(attempt: Attempt, ports: ConsumerPorts, deadline: Deadline): Promise<void> {
  const { message, file, records, journal } = attempt;
  if (isStopped(file)) holdUnsent(attempt, ports);

  rejectBad(attempt, ports);
  const end = await sendGood(attempt, ports, deadline);
  // Parked records have used up their tries; records that only waited have not failed.
  const failures = message.failures + (end.parked.length > 0 ? 1 : 0);
  if (end.stopped?.kind === 'flush') flush(attempt, end.stopped, ports);
  else if (end.stopped?.kind === 'refusing') await stopRefusedFile(attempt, end, end.stopped.status, ports);
  else if (failures >= maxBatchFailures) exhaust(attempt, end.parked, ports);
  const isWhole = records.every((_, place) => journal.get(place) !== undefined);
  if (isWhole) return settle(attempt, ports);
  await handOver(attempt, end, Math.min(failures, maxBatchFailures - 1), ports);
}

/** A faulty batch must not look like one that waits for AWS: it is to be buried (reconciler/bury-batch.ts). */
function claimEndOf(error: unknown): ClaimEnd {
  return awsFaultOf(error) ? 'released' : 'failed';
}

/** Claims the batch's lease and reads the batch; undefined if there is nothing to do for this message. */
async function beginAttempt(message: BatchMessage, ports: ConsumerPorts): Promise<Attempt | undefined> {
  const { ledger, log, clock } = ports;
  const { fileId, batch } = message;
  const place = { correlation_id: fileId, batch, attempt: message.attempt };
  await refuseAltered(message, ports);
  const owner = ports.newId();
  const claim = await ledger.claimBatch(message, owner, batchLeaseMs);
  if (claim.kind === 'stale') {
    log.info('leftover of an earlier attempt', place);
    return undefined;
  }
  if (claim.kind === 'busy') {
    // The other consumer may still die: this message waits in the queue, at no cost and without counting as a failure.
    log.info('another consumer has the batch', place);
    await ports.batches.sendSuccessor(message, (claim.leaseUntil - clock.now()) / 1000 + 1);
    return undefined;
  }
  try {
    return await readBatch(message, claim, owner, ports);
  } catch (error) {
    // The message comes back soon, and must not be blocked by its own lease: it would be mistaken for another consumer's,
    // and the batch would be resent forever instead of going to the DLQ.
    if (claim.kind === 'claimed') {
      await ledger.releaseBatch(fileId, batch, owner, claimEndOf(error)).catch(() => undefined);
    }
    throw error;
  }
}

/**
 * Runs before the batch is claimed, because the claim stores what the message says. The file is read again after the claim:
 * only then is it certain that a process that stops the file sees this batch.
 * @throws AlteredMessageError if the message is not as Sluice made it, ContradictionError if its file is unknown
 */
async function refuseAltered(message: BatchMessage, { ledger, feed }: ConsumerPorts): Promise<void> {
  const { fileId, batch } = message;
  const file = await ledger.getFile(fileId);
  if (!file) throw new ContradictionError(`Batch ${batch} belongs to the file ${fileId}, which is not in the ledger.`);
  if (file.feed === feed.name && isGenuine(message, file)) return;
  throw new AlteredMessageError(
    `Batch ${batch} of the file ${fileId} was altered: nothing of it is sent, and it goes to the DLQ. ` +
      'The batch is made again from the file.',
  );
}

async function readBatch(
  message: BatchMessage,
  claim: Extract<BatchClaim, { kind: 'claimed' | 'settled' }>,
  owner: string,
  ports: ConsumerPorts,
): Promise<Attempt | undefined> {
  const { ledger, log, clock } = ports;
  const { fileId, batch } = message;
  const begunAt = clock.now();
  const place = { correlation_id: fileId, batch, attempt: message.attempt };
  const file = await ledger.getFile(fileId);
  if (file?.sha256 === undefined || file.dialect === undefined) {
    throw new ContradictionError(`Batch ${batch} belongs to the file ${fileId}, which is not in the ledger.`);
  }
  if (claim.kind === 'settled') {
    if (claim.batch.buried) await dissolveBatch(message, file, ports);
    // The consumer that settled it may have died before it asked the finalizer.
    await askToFinalize(file, ports.finalize);
    return undefined;
  }
  const records = prepareBatch(message, ports.feed, file);
  const saved = claim.batch.progress ? decodeProgress(claim.batch.progress) : noProgress;
  const { letters, payloads } = ports;
  const journal = new BatchJournal({ fileId, batch, owner, saved, ledger, letters, payloads, clock });
  log.info('batch begun', { ...place, records: records.length, done_before: saved.done.length });
  return { message, file, owner, records, journal, replaces: claim.batch.counts, begunAt };
}

/** Rejects need no API: they end at once, each with its letter. */
function rejectBad(attempt: Attempt, ports: ConsumerPorts): void {
  attempt.records.forEach((record, place) => {
    if (record.result.kind !== 'rejected' || attempt.journal.get(place)) return;
    const done = { i: place, outcome: 'rejected' as const, status: null, attempts: 0, at: ports.clock.now() };
    attempt.journal.record(done, letterFor(attempt, record, done, ports));
  });
}

async function sendGood(attempt: Attempt, ports: ConsumerPorts, deadline: Deadline): Promise<SendEnd> {
  const { journal } = attempt;
  const sendables = sendablesOf(attempt);
  if (sendables.length === 0) return { ...noSending, parked: [], pauses: new Map() };
  // Read before the first slot is leased, since the slot would pass meanwhile; a fault surfaces when the sink reads the
  // token.
  await ports.tokens.token().catch(() => undefined);
  const othersPassed = attempt.records.some((_, place) => journal.get(place)?.outcome === 'uploaded');
  const abort = new AbortController();
  const pacer: SlotPacer = new SlotPacer({
    limiter: ports.limiter,
    clock: ports.clock,
    connections: ports.connections,
    spacingMs: slotSpacingMs(ports.limit),
    marginMs: jitterMarginMs(ports.limit),
    windowMs: ports.limit.windowSeconds * 1000,
    demand: () => sender.demand(),
    prober: () => ({
      isSuspect: sender.hasOnlySuspects(),
      asksToWait: sender.asksToWait(),
      file: attempt.file.fileId,
    }),
    onWait: () => journal.keepAlive(),
    deadline,
    signal: abort.signal,
  });
  const sender: RecordSender = new RecordSender(
    // Of a stopped file, only records that the API must decide about are left.
    { ...ports, mayFlush: !isStopped(attempt.file), hasFailed: attempt.message.failures > 0, othersPassed },
    journal,
    pacer,
    deadline,
    abort.signal,
    (sendable, verdict) => recordVerdict(attempt, sendable, verdict, ports),
  );
  try {
    const end = await sender.send(sendables);
    reportWaiting(end, ports);
    return end;
  } finally {
    abort.abort();
  }
}

/** For a batch that sent nothing. */
const noSending = { stopped: undefined, requests: 0, waitedMs: 0, requestedMs: 0, ambiguousUntilMs: undefined };

/** Near 100, the rate limit determines the file's speed; near 0, the API's latency and the number of connections do. */
function reportWaiting({ waitedMs, requestedMs }: SendEnd, { metrics }: ConsumerPorts): void {
  const wholeMs = waitedMs + requestedMs;
  if (wholeMs > 0) metrics.add('SlotWaitShare', (100 * waitedMs) / wholeMs);
}

function sendablesOf(attempt: Attempt): Sendable[] {
  const firstPlaceOf = firstPlaces(attempt.records);
  const sendables: Sendable[] = [];
  const pauses = pausesOf(attempt.message.pauses);
  attempt.records.forEach((record, place) => {
    const { result } = record;
    if (result.kind !== 'good' || attempt.journal.get(place)) return;
    const first = firstPlaceOf.get(result.requestId);
    sendables.push({
      place,
      ...sinkRequestOf(record, result, attempt.file),
      leader: first === place ? undefined : first,
      pauses: pauses.get(place),
    });
  });
  return sendables;
}

/** The first place of each request id. */
function firstPlaces(records: readonly PreparedRecord[]): Map<string, number> {
  const places = new Map<string, number>();
  records.forEach(({ result }, place) => {
    if (result.kind === 'good' && !places.has(result.requestId)) places.set(result.requestId, place);
  });
  return places;
}

function recordVerdict(attempt: Attempt, { place }: Sendable, verdict: Verdict, ports: ConsumerPorts): void {
  const { status, attempts } = verdict;
  const done: DoneRecord = { i: place, outcome: verdict.kind, status, attempts, at: ports.clock.now() };
  if (verdict.kind === 'uploaded' && verdict.confirmedBy409) done.confirmedBy = '409';
  if (verdict.answer !== undefined) done.answer = verdict.answer;
  if (verdict.kind !== 'refused') return attempt.journal.record(done);
  Object.assign(done, refusalOf(status, verdict.answer));
  attempt.journal.record(done, letterFor(attempt, attempt.records[place] as PreparedRecord, done, ports));
}

/** The API failed on them in every attempt, or refused the token for them alone. */
function exhaust(attempt: Attempt, parked: Parked[], ports: ConsumerPorts): void {
  for (const { place, status, reason, attempts, answer } of parked) {
    const end = { i: place, status, attempts, at: ports.clock.now(), ...(answer === undefined ? {} : { answer }) };
    // That ends here only if others passed with the same token: see send-records.ts.
    const isRefused = status === 401 || status === 403;
    const error = `the API failed on the record, last with ${reason}; its batch has had all its attempts`;
    const done: DoneRecord = isRefused
      ? { ...end, outcome: 'refused', ...refusalOf(status, answer ?? '') }
      : { ...end, outcome: 'exhausted', reason, error };
    attempt.journal.record(done, letterFor(attempt, attempt.records[place] as PreparedRecord, done, ports));
  }
}

/**
 * The breaker has been open for long: the batch's remaining records become dead letters, where an operator sees them. If
 * the API failed on all of them before while others passed, it may not be down: then only the record of the last probe
 * fails, with the reason of its answer.
 */
function flush(attempt: Attempt, last: { place: number; status: number | null; reason: string }, ports: ConsumerPorts) {
  const { records, journal } = attempt;
  const left = [...records.keys()].filter((place) => !journal.get(place));
  const othersPassed = records.some((_, place) => journal.get(place)?.outcome === 'uploaded');
  const isOwn = (othersPassed || left.length === 1) && left.every((place) => journal.wasSent(place));
  const why = isOwn
    ? { status: last.status, reason: last.reason, error: `the API keeps failing on the record: ${last.reason}` }
    : {
        status: null,
        reason: 'circuit_open',
        error: 'the API was down for too long; redrive the record when the API is available',
      };
  // The probe's record may have got its verdict since.
  for (const place of isOwn ? left.filter((each) => each === last.place) : left) {
    const attempts = journal.wasSent(place) ? 1 : 0;
    const done = { i: place, outcome: 'exhausted' as const, attempts, at: ports.clock.now(), ...why };
    journal.record(done, letterFor(attempt, records[place] as PreparedRecord, done, ports));
  }
}

/**
 * The API refuses every record of this file: before each becomes a dead letter, the rest is held until a person has
 * inspected the file. Nothing happens if a person has inspected and released it already.
 */
async function stopRefusedFile(attempt: Attempt, end: SendEnd, status: number, ports: ConsumerPorts): Promise<void> {
  const { records, journal, file } = attempt;
  const done = [...records.keys()].flatMap((place) => journal.get(place) ?? []);
  const refused = done.filter((each) => each.outcome === 'refused' && each.status === status).length;
  await stopFile(file, refusedFile(status, refused, done.length, ports.clock.now()), ports);
  attempt.file = (await ports.ledger.getFile(file.fileId)) ?? file;
  if (isStopped(attempt.file)) holdUnsent(attempt, ports, end.parked);
}

/**
 * Holds the records that were not sent. Records that an earlier attempt may have sent, or that this one failed on,
 * continue: saying that they were not sent would be a guess.
 */
function holdUnsent({ records, journal }: Attempt, ports: ConsumerPorts, parked: Parked[] = []): void {
  const inDoubt = new Set(parked.map(({ place }) => place));
  records.forEach((_, place) => {
    if (journal.get(place) || journal.mayHaveBeenSent(place) || inDoubt.has(place)) return;
    journal.record({ i: place, outcome: 'held', status: null, attempts: 0, at: ports.clock.now() });
  });
}

/** Receipts first, then the ledger, then the finalizer's message: each step relies on the one before. */
async function settle(attempt: Attempt, ports: ConsumerPorts): Promise<void> {
  const { message, owner, records, journal, file } = attempt;
  await journal.finish();
  const counts = noCounts();
  const firstPlaceOf = firstPlaces(records);
  const entries = records.map((record, place) => {
    const done = journal.get(place);
    if (!done) throw new ContradictionError(`Record ${record.record} has no outcome.`);
    counts[done.outcome]++;
    const id = done.outcome === 'duplicate' && record.result.kind === 'good' ? record.result.requestId : '';
    const first = records[firstPlaceOf.get(id) ?? place];
    return receiptOf(record, done, first);
  });
  const bytes = gzipSync(`${entries.map((entry) => JSON.stringify(entry)).join('\n')}\n`);
  const receiptsKey = workReceiptsKey(file.fileId, message.batch, message.attempt, owner);
  await ports.receipts.putReceipts(receiptsKey, bytes);
  auditRecords(file.fileId, entries, ports.feed, ports.log);
  const settlement = {
    counts,
    receiptsKey,
    receiptsSha256: sha256Of(bytes),
    ...(counts.held > 0 ? { progress: journal.endsButHeld() } : {}),
    ...(attempt.replaces ? { replaces: attempt.replaces } : {}),
  };
  if (!(await ports.ledger.settleBatch(file.fileId, message.batch, owner, settlement))) {
    throw new LeaseLostError(`Batch ${message.batch} of the file ${file.fileId} was settled by another consumer.`);
  }
  countRecords(attempt, counts, ports);
  logFailures(file.fileId, message.batch, entries, ports);
  ports.log.info('batch settled', {
    correlation_id: file.fileId,
    batch: message.batch,
    attempt: message.attempt,
    ...counts,
  });
  // Read after the write: of two consumers that settle concurrently, the later one sees both.
  const now = await ports.ledger.getFile(file.fileId);
  if (!now) return;
  reportRejects(now, ports);
  await stopWrongFile(now, ports);
  await askToFinalize(now, ports.finalize);
}

/** Below this, a percentage is meaningless. */
const fewestRecords = 100;

/** Reports the percentage of the file rejected so far: the alarm goes off before the file is stopped. */
function reportRejects({ settled }: FileAccount, { metrics }: ConsumerPorts): void {
  const seen = sumCounts(settled);
  if (seen >= fewestRecords) metrics.add('RejectShare', (100 * settled.rejected) / seen);
}

/** A wrong file must not cause a million dead letters: once too much of it is rejected, the rest is held. */
async function stopWrongFile(file: FileAccount, ports: ConsumerPorts): Promise<void> {
  const quarantine = wrongFile(file, ports.feed.toleratedRejects, ports.clock.now());
  if (quarantine) await stopFile(file, quarantine, ports);
}

async function stopFile(file: FileAccount, quarantine: Quarantine, ports: ConsumerPorts): Promise<void> {
  if (!(await ports.ledger.quarantineFile(file.fileId, quarantine))) return;
  file.quarantine = quarantine;
  ports.metrics.add('QuarantinedFiles', 1);
  ports.log.error('file quarantined', { correlation_id: file.fileId, reason: quarantine.message });
}

/** Logs a line per reason: the dashboard shows why dead letters were made. */
function logFailures(fileId: string, batch: number, entries: readonly Receipt[], { log }: ConsumerPorts): void {
  const counts = new Map<string, number>();
  for (const { reason } of entries) if (reason !== undefined) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  for (const [reason, count] of counts) log.info('records failed', { correlation_id: fileId, batch, reason, count });
}

function countRecords({ begunAt }: Attempt, counts: OutcomeCounts, { metrics, clock }: ConsumerPorts): void {
  const dead = counts.rejected + counts.refused + counts.exhausted;
  metrics.add('ProcessedRecords', sumCounts(counts));
  metrics.add('FailedRecords', counts.refused + counts.exhausted);
  metrics.add('RejectedRecords', counts.rejected);
  metrics.add('DeadLetteredRecords', dead);
  metrics.add('BatchDuration', clock.now() - begunAt);
}

/** Saves progress first, then sends the successor: if killed in between, this message comes back and finds the progress. */
async function handOver(attempt: Attempt, end: SendEnd, failures: number, ports: ConsumerPorts): Promise<void> {
  const { message, journal, file } = attempt;
  await journal.handOver();
  const pauseSeconds = end.stopped?.kind === 'paused' ? (end.stopped.untilMs - ports.clock.now()) / 1000 : 0;
  const failed = failures > message.failures;
  // For a record that may have been sent, the successor treats a 409 as our own success, so it must not begin while a try
  // may still be in progress.
  const ambiguousSeconds = ((end.ambiguousUntilMs ?? 0) - ports.clock.now()) / 1000;
  const retrySeconds = failed ? successorDelaySeconds(failures, ports.random()) : 0;
  const delaySeconds = Math.max(0, pauseSeconds, retrySeconds, ambiguousSeconds, restSeconds(attempt, end, ports));
  const { pauses: _, ...rest } = message;
  const pauses = carryPauses(end.pauses);
  const carried = pauses.length > 0 ? { ...rest, pauses } : rest;
  const successor = signed<BatchMessage>({ ...carried, attempt: message.attempt + 1, failures }, file);
  await ports.batches.sendSuccessor(successor, delaySeconds);
  ports.log.info('batch handed over', {
    correlation_id: file.fileId,
    batch: message.batch,
    attempt: message.attempt,
    failures,
    why: end.stopped?.kind ?? 'failures',
    delay_seconds: Math.ceil(delaySeconds),
  });
}

/** If only records are left for which the API asked to wait: how long the first of them waits. */
function restSeconds({ records, journal }: Attempt, { pauses }: SendEnd, { clock }: ConsumerPorts): number {
  const left = [...records.keys()].filter((place) => !journal.get(place));
  if (!left.every((place) => pauses.has(place))) return 0;
  return (Math.min(...left.map((place) => pauses.get(place)?.untilMs ?? 0)) - clock.now()) / 1000;
}

function letterFor(
  { file, message }: Attempt,
  record: PreparedRecord,
  done: DoneRecord,
  { clock }: ConsumerPorts,
): UnsentLetter {
  const { result } = record;
  const problem = result.kind === 'rejected' ? result.problem : undefined;
  const letter = letterOf(
    file,
    { batch: message.batch, ...record, raw: rawOf(record), ...sourceFieldsOf(record.source) },
    {
      outcome: done.outcome as FailedOutcome,
      reason: problem?.reason ?? done.reason ?? 'unknown',
      error: problem?.message ?? done.error ?? '',
      field: problem?.field ?? null,
      status: done.status,
      answer: done.answer ?? null,
      requestId: result.kind === 'good' ? result.requestId : null,
      attempts: done.attempts,
    },
    clock.now(),
  );
  return { letter, bytes: record.bytes };
}
