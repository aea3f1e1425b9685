import type { SQSRecord } from 'aws-lambda';
import type { AwsFault } from '../core/aws-fault.ts';
import type { WaitNote } from '../messages.ts';
import { waitAttribute, waitNote } from '../messages.ts';
import type { Clock, Metrics } from '../ports.ts';

/** How long a message waits for AWS. Seconds. */
export interface WaitTimes {
  /** The minimum for the first wait; each further wait is twice as long. */
  firstSeconds: number;
  /** SQS delays a message by at most 900 s. */
  longestSeconds: number;
}

export interface Waiting {
  times: WaitTimes;
  clock: Pick<Clock, 'now'>;
  random: () => number;
  metrics: Pick<Metrics, 'add' | 'flush'>;
}

/**
 * How often in a row a message is put back before its receives count again. At 15 minutes each: an outage of four days; or
 * six hours of refusals, which an operator knows by then and which may concern only this message.
 */
const mostTimes: Record<AwsFault['kind'], number> = { unavailable: 400, configuration: 30 };

/** How a message has waited so far. */
export interface Waited {
  times: number;
  /**
   * When the first message with this body was sent, by SQS's clock: distinguishes a redrive from a message that was put
   * back.
   */
  firstSentAt: number;
}

/**
 * Reads a message's note. A redrive copies attributes too, but starts over: a redriven message was sent long after its
 * note, a message that was put back right after it.
 */
export function waitedBefore(record: Pick<SQSRecord, 'attributes'> & Partial<SQSRecord>): Waited {
  const sentAt = Number(record.attributes.SentTimestamp);
  const note = readNote(record.messageAttributes?.[waitAttribute]?.stringValue);
  // It is not visible, and so can't reach a DLQ, before its delay has passed: half of the delay separates the two cases.
  const isPutBack = note !== undefined && sentAt < note.at + (note.delaySeconds * 1000) / 2;
  if (!isPutBack) return { times: 0, firstSentAt: sentAt };
  // Nothing guards the note as a MAC does the body. A time to come would be kept as a failure's, and no redrive is later.
  return { times: note.times, firstSentAt: Math.min(note.firstSentAt, sentAt) };
}

function readNote(text: string | undefined): WaitNote | undefined {
  if (text === undefined) return undefined;
  try {
    return waitNote.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** The note for the next message with this body; undefined if it has waited often enough. */
export function nextNote({ times, firstSentAt }: Waited, fault: AwsFault, waiting: Waiting): WaitNote | undefined {
  if (times >= mostTimes[fault.kind]) return undefined;
  const { times: limits, clock, random } = waiting;
  return { times: times + 1, at: clock.now(), delaySeconds: delaySeconds(times, limits, random()), firstSentAt };
}

/** Up to a quarter is added at random, so that a backlog doesn't come back all at once. */
const spread = 0.25;

/**
 * Doubles, up to the longest.
 * @param before how often it was already put back
 */
export function delaySeconds(before: number, { firstSeconds, longestSeconds }: WaitTimes, random: number): number {
  const seconds = Math.min(longestSeconds / (1 + spread), firstSeconds * 2 ** Math.min(before, 20));
  return Math.min(longestSeconds, Math.ceil(seconds * (1 + spread * random)));
}
