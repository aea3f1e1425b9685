import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import type { WaitNote } from '../../lambdas/messages.ts';
import { waitAttribute } from '../../lambdas/messages.ts';
import type { Clock, InFlightMessages } from '../../lambdas/ports.ts';

interface Message {
  id: string;
  body: string;
  group: string | undefined;
  note: WaitNote | undefined;
  sentAt: number;
  receives: number;
  visibleAt: number;
}

/** Queues with delays, visibility, receives and DLQs, as SQS has them: message by message, on the simulated clock. */
export class InMemorySqs {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #maxReceives: Readonly<Record<string, number>>;
  readonly #queues = new Map<string, Message[]>();
  #ids = 0;

  constructor(clock: Pick<Clock, 'now'>, maxReceives: Readonly<Record<string, number>>) {
    this.#clock = clock;
    this.#maxReceives = maxReceives;
  }

  send(queue: string, body: unknown, delaySeconds = 0, more: Partial<Pick<Message, 'group' | 'note'>> = {}): void {
    const now = this.#clock.now();
    this.#of(queue).push({
      id: `m${++this.#ids}`,
      body: typeof body === 'string' ? body : JSON.stringify(body),
      group: undefined,
      note: undefined,
      ...more,
      sentAt: now,
      receives: 0,
      visibleAt: now + delaySeconds * 1000,
    });
  }

  /** What has had all its receives. */
  deadOf(queue: string): string[] {
    return this.#of(`${queue}-dlq`).map(({ body }) => body);
  }

  /** As SQS moves them: new messages with the same bodies and attributes. */
  redrive(queue: string): void {
    for (const { body, group, note } of this.#of(`${queue}-dlq`).splice(0)) this.send(queue, body, 0, { group, note });
  }

  /** The next message to be received in any of the queues, and when; undefined where all are empty. */
  next(queues: readonly string[]): { queue: string; at: number } | undefined {
    const firsts = queues.flatMap((queue) => this.#of(queue).map(({ visibleAt }) => ({ queue, at: visibleAt })));
    return firsts.sort((a, b) => a.at - b.at)[0];
  }

  /** Receives one message and has it handled; a message received too often is moved to the DLQ instead. */
  async handOne(queue: string, handle: (event: SQSEvent) => Promise<SQSBatchResponse>): Promise<void> {
    const messages = this.#of(queue);
    const message = messages.find(({ visibleAt }) => visibleAt <= this.#clock.now());
    if (!message) return;
    if (message.receives >= (this.#maxReceives[queue] ?? Infinity)) {
      messages.splice(messages.indexOf(message), 1);
      this.#of(`${queue}-dlq`).push(message);
      return;
    }
    message.receives++;
    message.visibleAt = this.#clock.now() + 1_800_000;
    const { batchItemFailures } = await handle({ Records: [recordOf(queue, message)] });
    if (batchItemFailures.length === 0) messages.splice(messages.indexOf(message), 1);
  }

  inFlight(queue: string): InFlightMessages {
    return {
      changeVisibility: async (id, seconds) => {
        const message = this.#of(queue).find((each) => each.id === id);
        if (message) message.visibleAt = this.#clock.now() + seconds * 1000;
      },
      putBack: async (body, group, note) => this.send(queue, body, note.delaySeconds, { group, note }),
    };
  }

  #of(queue: string): Message[] {
    const messages = this.#queues.get(queue) ?? [];
    this.#queues.set(queue, messages);
    return messages;
  }
}

function recordOf(queue: string, { id, body, group, note, sentAt, receives }: Message): SQSRecord {
  return {
    messageId: id,
    receiptHandle: id,
    body,
    attributes: {
      ApproximateReceiveCount: String(receives),
      SentTimestamp: String(sentAt),
      SenderId: 'test',
      ApproximateFirstReceiveTimestamp: String(sentAt),
      ...(group === undefined ? {} : { MessageGroupId: group }),
    },
    messageAttributes: note
      ? { [waitAttribute]: { stringValue: JSON.stringify(note), dataType: 'String', stringListValues: [] } }
      : {},
    md5OfBody: '',
    eventSource: 'aws:sqs',
    eventSourceARN: queue,
    awsRegion: 'us-east-1',
  };
}
