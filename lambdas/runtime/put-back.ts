import type { SQSRecord } from 'aws-lambda';
import type { AwsFault } from '../core/aws-fault.ts';
import type { WaitNote } from '../messages.ts';
import { waitAttribute, waitNote } from '../messages.ts';
import type { Clock, Metrics } from '../ports.ts';

/** How long a message waits for AWS. Seconds. */
export interface WaitTimes {
  /** At least, the first time; each further time is twice as long. */
  firstSeconds: number;
  /** SQS delays a message by 900 s at most. */
  longestSeconds: number;
}

export interface Waiting {
  times: WaitTimes;
  clock: Pick<Clock, 'now'>;
  random: () => number;
  metrics: Pick<Metrics, 'add' | 'flush'>;
}

/**
 * Times in a row that a message is put back before its receives count again. At 15 minutes each: an outage of four days;
 * six hours of a refusal, which a person has been told of by then and which may be this message's alone.
 */
const mostTimes: Record<AwsFault['kind'], number> = { unavailable: 400, configuration: 30 };

/** What is known of a message's waiting. */
export interface Waited {
  times: number;
  /** When the first of the messages with this body was sent, by SQS's clock: what tells a redrive from a message put back. */
  firstSentAt: number;
}

/**
 * What the note beside a message says. A redrive copies attributes too, but it begins a new life: such a message was sent
 * long after its note, and one that was put back, at once.
 */
export function waitedBefore(record: Pick<SQSRecord, 'attributes'> & Partial<SQSRecord>): Waited {
  const sentAt = Number(record.attributes.SentTimestamp);
  const note = readNote(record.messageAttributes?.[waitAttribute]?.stringValue);
  // It is not visible, and so not in a DLQ, before its delay has passed: half of that lies between the two.
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

/** Up to a quarter is added by chance, so that a backlog doesn't come back all at once. */
const spread = 0.25;

/**
 * Doubles, up to the longest.
 * @param before how often it was put back before
 */
export function delaySeconds(before: number, { firstSeconds, longestSeconds }: WaitTimes, random: number): number {
  const seconds = Math.min(longestSeconds / (1 + spread), firstSeconds * 2 ** Math.min(before, 20));
  return Math.min(longestSeconds, Math.ceil(seconds * (1 + spread * random)));
}
