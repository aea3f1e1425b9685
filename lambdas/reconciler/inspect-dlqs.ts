import { plainText } from '../core/plain-text.ts';
import { newestVersion, versionOf } from '../core/account/schema-version.ts';
import { AlteredMessageError } from '../core/errors.ts';
import { judgeLetter, noteAltered } from '../dead-letters/judge-letter.ts';
import type { BatchMessage, Letter } from '../messages.ts';
import { batchMessage, continueMessage, finalizeMessage, letter, notifyMessage, reemitMessage } from '../messages.ts';
import type { DeadQueue, QueuedMessage } from '../ports.ts';
import type { BuryPorts } from './bury-batch.ts';
import { oneAfterTheOther } from '../runtime/in-turn.ts';
import { buryBatch } from './bury-batch.ts';

export interface LaneDlqs {
  feed: string;
  lane: string;
  letters: DeadQueue;
  records: DeadQueue;
  intake: DeadQueue;
}

/** A message in a DLQ that is not a record: it needs attention. */
export interface FailedTask {
  feed: string | undefined;
  queue: 'intake' | 'records' | 'letters' | 'finalize';
  lane: string | undefined;
  /** The file, or as much of the message as could be read. */
  about: string;
  sentAt: number;
}

export interface DlqFindings {
  work: FailedTask[];
  /** Send time of the oldest message seen, by feed. */
  oldestSentAt: Map<string, number>;
  /** Lanes whose batches must not be recreated: they are on their way back to the records queue. */
  redriven: Set<string>;
}

/** The most characters of a file's key in a description. */
const maxKeyCharacters = 300;

export const laneKey = ({ feed, lane }: { feed: string; lane: string }): string => `${feed}/${lane}`;

/** The longest time for reading one lane's letters: the steps after it need most of the run. Milliseconds. */
const maxLettersMs = 60_000;

/**
 * Finds work that failed for good, and batches that killed their consumers. Skips empty queues, and queues that are being
 * redriven.
 */
export async function inspectDlqs(
  lanes: readonly LaneDlqs[],
  finalizeDlq: DeadQueue,
  ports: BuryPorts,
): Promise<DlqFindings> {
  const findings: DlqFindings = { work: [], oldestSentAt: new Map(), redriven: new Set() };
  for (const lane of lanes) {
    const isEmpty = (await lane.records.messages()) === 0;
    if (!isEmpty && (await lane.records.isBeingRedriven())) findings.redriven.add(laneKey(lane));
    else if (!isEmpty) {
      // One after the other: a batch may be in the queue twice.
      const inTurn = oneAfterTheOther();
      await lane.records.read((message) => inTurn(() => onBatch(message, lane, findings, ports)));
    }
    if ((await lane.intake.messages()) > 0) {
      await lane.intake.read(async (message) => noteWork('intake', message, lane, findings));
    }
  }
  if ((await finalizeDlq.messages()) > 0) {
    await finalizeDlq.read(async (message) => noteWork('finalize', message, undefined, findings));
  }
  return findings;
}

/**
 * Finds letters that the ledger doesn't know, since their consumer was killed before it could note them. A DLQ is read only
 * if it has more letters than the ledger has items of, and not while it is redriven: reading hides its letters.
 * @param known open dead records of the feed with an item in the ledger, as of now
 */
export async function inspectLetters(
  lanes: readonly LaneDlqs[],
  known: number,
  findings: DlqFindings,
  ports: BuryPorts,
): Promise<void> {
  for (const lane of lanes) {
    if ((await lane.letters.messages()) <= known || (await lane.letters.isBeingRedriven())) continue;
    const until = ports.clock.now() + maxLettersMs;
    const stop = new AbortController();
    const look = async (message: QueuedMessage): Promise<void> => {
      await onLetter(message, lane, findings, ports);
      if (ports.clock.now() >= until) stop.abort();
    };
    await lane.letters.read(look, stop.signal);
    // Later runs receive others: SQS has no order.
    const { feed, lane: name } = lane;
    if (stop.signal.aborted) ports.log.warn('not all letters in the DLQ were inspected', { feed, lane: name });
  }
}

async function onBatch(message: QueuedMessage, lane: LaneDlqs, findings: DlqFindings, ports: BuryPorts): Promise<void> {
  const batch = batchMessage.safeParse(jsonOf(message.body));
  if (!batch.success) return noteWork('records', message, lane, findings);
  noteAge(lane.feed, message, findings);
  try {
    const burial = await buryBatch(batch.data, message, lane.feed, ports);
    if (burial === 'spared') noteSpared(batch.data, message, lane, findings);
  } catch (error) {
    // It killed no consumer: the genuine batch is recreated, and this message is reported.
    if (error instanceof AlteredMessageError) return noteWork('records', message, lane, findings);
    // A fault in one batch must not keep the others from being accounted for.
    const place = { correlation_id: batch.data.fileId, batch: batch.data.batch };
    ports.log.error('batch could not be buried', { ...place, error: asError(error) });
  }
}

async function onLetter(
  message: QueuedMessage,
  lane: LaneDlqs,
  findings: DlqFindings,
  ports: BuryPorts,
): Promise<void> {
  const body = jsonOf(message.body);
  const parsed = letter.safeParse(body);
  if (!parsed.success) {
    // A correction belongs to a record that has its own letter.
    const isCorrection = (body as { kind?: unknown } | null | undefined)?.kind === 'correction';
    return isCorrection ? noteAge(lane.feed, message, findings) : noteWork('letters', message, lane, findings);
  }
  noteAge(lane.feed, message, findings);
  try {
    await adoptUnseen(parsed.data, message, lane.feed, ports);
  } catch (error) {
    // A fault in one letter must not keep the others from being noted.
    const place = { correlation_id: `${parsed.data.file_id}/${parsed.data.record}` };
    ports.log.error('letter could not be adopted', { ...place, error: asError(error) });
  }
}

async function adoptUnseen(
  read: Letter,
  message: QueuedMessage,
  feed: string,
  { ledger, log }: BuryPorts,
): Promise<void> {
  const carrier = { id: message.messageId, sentAt: message.sentAt };
  const judgement = await judgeLetter(read, carrier, { ledger, feed });
  if (judgement.kind === 'altered') return noteAltered(read, carrier, { ledger, feed });
  if (judgement.kind !== 'new') return;
  await ledger.adoptLetter(read, carrier, judgement.digests);
  log.warn('letter adopted that no consumer had recorded', { correlation_id: `${read.file_id}/${read.record}` });
}

function noteWork(
  queue: FailedTask['queue'],
  message: QueuedMessage,
  lane: LaneDlqs | undefined,
  findings: DlqFindings,
): void {
  const body = jsonOf(message.body);
  const feed = lane?.feed ?? feedOf(body);
  findings.work.push({ feed, queue, lane: lane?.lane, about: subjectOf(body), sentAt: message.sentAt });
  if (feed !== undefined) noteAge(feed, message, findings);
}

/** Once its queue is empty, its batch is recreated from the file; a redrive is faster. */
function noteSpared(
  { fileId, batch }: BatchMessage,
  { sentAt }: QueuedMessage,
  { feed, lane }: LaneDlqs,
  findings: DlqFindings,
): void {
  const about = `batch ${batch} of file ${fileId} (it ended no consumer: redrive it)`;
  findings.work.push({ feed, queue: 'records', lane, about, sentAt });
}

function noteAge(feed: string, { sentAt }: QueuedMessage, { oldestSentAt }: DlqFindings): void {
  oldestSentAt.set(feed, Math.min(oldestSentAt.get(feed) ?? Infinity, sentAt));
}

function feedOf(body: unknown): string | undefined {
  const feed = (body as { feed?: unknown } | null | undefined)?.feed;
  return typeof feed === 'string' ? feed : undefined;
}

/** Which file it is about, in words; nothing else of an unreadable message is shown. */
function subjectOf(body: unknown): string {
  for (const schema of [continueMessage, reemitMessage, finalizeMessage]) {
    const parsed = schema.safeParse(body);
    if (parsed.success) return `file ${parsed.data.fileId}`;
  }
  if (notifyMessage.safeParse(body).success) return "a mail to the desk about files' ends";
  const batch = batchMessage.safeParse(body);
  if (batch.success) return `altered batch ${batch.data.batch} of file ${batch.data.fileId} (never sent; delete it)`;
  const version = versionOf(body);
  if (version > newestVersion.message) return `a message of version ${version}, sent by a later Sluice`;
  const records = (body as { Records?: { s3?: { object?: { key?: unknown } } }[] } | null | undefined)?.Records;
  const key = Array.isArray(records) ? records[0]?.s3?.object?.key : undefined;
  return typeof key === 'string' ? `file ${plainText(key, maxKeyCharacters)}` : 'an unreadable message';
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));
