import type { BatchResultErrorEntry, SendMessageBatchRequestEntry, SQSClient } from '@aws-sdk/client-sqs';
import {
  ChangeMessageVisibilityBatchCommand,
  GetQueueAttributesCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
} from '@aws-sdk/client-sqs';
import type { SourceObject } from '../core/account/file-account.ts';
import { AwsFaultError } from '../core/errors.ts';
import { batchJson } from '../core/records/slice-body.ts';
import { announcementOf } from '../intake-message.ts';
import { backoffMs } from '../core/limiter/retry.ts';
import type {
  BatchMessage,
  ContinueMessage,
  CorrectionMessage,
  FinalizeMessage,
  NightMessage,
  NotifyMessage,
  Letter,
  ReemitMessage,
  WaitNote,
} from '../messages.ts';
import { waitAttribute } from '../messages.ts';
import type {
  Announcements,
  BatchQueue,
  Clock,
  FinalizeQueue,
  NightQueue,
  NoticeQueue,
  InFlightMessages,
  IntakeQueue,
  LetterQueue,
  QueueDepth,
} from '../ports.ts';
import { callsOf, perCall } from './calls-of.ts';

/** SQS: a message can be delayed by at most 15 minutes. */
export const maxDelaySeconds = 900;

const maxTries = 8;

/** Less than half of the shortest delay of a message that is put back. Milliseconds. */
const putBackMs = 10_000;

interface Outgoing {
  body: string;
  group?: string;
  delaySeconds?: number;
}

const delayFrom = (seconds: number): number => Math.min(maxDelaySeconds, Math.max(0, Math.ceil(seconds)));

/** A queue to send to. */
class SqsQueue {
  readonly #client: SQSClient;
  readonly #url: string;
  readonly #clock: Pick<Clock, 'sleep'>;

  constructor(client: SQSClient, url: string, clock: Pick<Clock, 'sleep'>) {
    this.#client = client;
    this.#url = url;
    this.#clock = clock;
  }

  async send(message: Outgoing, delaySeconds: number): Promise<void> {
    await this.#client.send(
      new SendMessageCommand({
        QueueUrl: this.#url,
        MessageBody: message.body,
        DelaySeconds: delayFrom(delaySeconds),
        ...(message.group === undefined ? {} : { MessageGroupId: message.group }),
      }),
    );
  }

  /**
   * Sends all messages, in as few calls as the quotas allow; only the failed ones are sent again.
   * @throws if SQS will never accept a message, or has not accepted it after several tries
   */
  async sendAll(messages: Outgoing[]): Promise<void> {
    for (const call of callsOf(messages)) await this.#sendCall(call);
  }

  async #sendCall(call: Outgoing[]): Promise<void> {
    let open = call.map((message, index): SendMessageBatchRequestEntry => ({
      Id: String(index),
      MessageBody: message.body,
      ...(message.delaySeconds === undefined ? {} : { DelaySeconds: delayFrom(message.delaySeconds) }),
      ...(message.group === undefined ? {} : { MessageGroupId: message.group }),
    }));
    for (let tries = 0; open.length > 0; tries++) {
      if (tries > 0) await this.#clock.sleep(backoffMs({ baseMs: 100, capMs: 5_000 }, tries, Math.random()));
      const { taken, failures, cause } = await this.#trySend(open);
      open = open.filter((entry) => !taken.has(entry.Id));
      const hopeless = failures.find((failure) => failure.SenderFault && !isThrottling(failure.Code));
      const fault = hopeless ?? failures[0];
      if (open.length > 0 && (hopeless || tries + 1 >= maxTries)) {
        const why = fault ? `${fault.Code}: ${fault.Message}` : 'it did not report on them';
        const message = `SQS did not accept ${open.length} of ${call.length} messages: ${why}`;
        if (hopeless) throw new Error(message, { cause: namedByCode(hopeless) });
        throw new AwsFaultError(fault?.Code ?? 'Unknown', message, { cause });
      }
    }
  }

  /** One call. Only messages that SQS confirms count as sent: the others are sent again, and a duplicate is harmless. */
  async #trySend(
    entries: SendMessageBatchRequestEntry[],
  ): Promise<{ taken: Set<string | undefined>; failures: BatchResultErrorEntry[]; cause?: unknown }> {
    try {
      const answer = await this.#client.send(new SendMessageBatchCommand({ QueueUrl: this.#url, Entries: entries }));
      return { taken: new Set(answer.Successful?.map(({ Id }) => Id)), failures: answer.Failed ?? [] };
    } catch (error) {
      // The SDK has tried a few times already. Keep trying, rather than use up one of the message's receives.
      if (!(error instanceof Error) || !isThrottling(error.name)) throw error;
      const failures = entries.map(({ Id }) => ({ Id, SenderFault: false, Code: error.name, Message: error.message }));
      return { taken: new Set(), failures, cause: error };
    }
  }
}

/**
 * `RequestThrottled`, `ThrottlingException`, `KMS.ThrottlingException`, …: AWS calls it the sender's fault, but it is
 * temporary.
 */
function isThrottling(code: string | undefined): boolean {
  return /thrott/i.test(code ?? '');
}

/** A batch's message body. */
export function batchBody(message: BatchMessage): string {
  return sendable(batchJson(message));
}

/** SQS refuses U+FFFE and U+FFFF, which a key may contain; in JSON they can be escaped. */
function sendable(json: string): string {
  return json.replace(/[\uFFFE\uFFFF]/g, (character) => `\\u${character.charCodeAt(0).toString(16)}`);
}

export class SqsBatchQueue implements BatchQueue {
  readonly #queue: SqsQueue;

  constructor(client: SQSClient, url: string, clock: Pick<Clock, 'sleep'>) {
    this.#queue = new SqsQueue(client, url, clock);
  }

  async sendBatches(
    messages: BatchMessage[],
    delaySecondsOf: (message: BatchMessage) => number = () => 0,
  ): Promise<void> {
    // Grouped by file, so that a small file does not wait behind a large one (fair queues).
    const outgoing = messages.map((message) => {
      const delaySeconds = delaySecondsOf(message);
      const sent = { body: batchBody(message), group: message.fileId };
      return delaySeconds > 0 ? { ...sent, delaySeconds } : sent;
    });
    await this.#queue.sendAll(outgoing);
  }

  async sendSuccessor(message: BatchMessage, delaySeconds: number): Promise<void> {
    await this.#queue.send({ body: batchBody(message), group: message.fileId }, delaySeconds);
  }
}

/** Indented, to be read in the SQS console. */
function letterBody(message: Letter | CorrectionMessage): string {
  return sendable(JSON.stringify(message, null, 2));
}

export class SqsLetterQueue implements LetterQueue {
  readonly #queue: SqsQueue;

  constructor(client: SQSClient, url: string, clock: Pick<Clock, 'sleep'>) {
    this.#queue = new SqsQueue(client, url, clock);
  }

  async sendLetters(letters: Letter[]): Promise<void> {
    await this.#queue.sendAll(letters.map((each) => ({ body: letterBody(each), group: each.file_id })));
  }

  async sendBack(letter: Letter | CorrectionMessage, delaySeconds: number): Promise<void> {
    await this.#queue.send({ body: letterBody(letter), group: letter.file_id }, delaySeconds);
  }
}

export class SqsIntakeQueue implements IntakeQueue, Announcements {
  readonly #queue: SqsQueue;

  constructor(client: SQSClient, url: string, clock: Pick<Clock, 'sleep'>) {
    this.#queue = new SqsQueue(client, url, clock);
  }

  async send(message: ContinueMessage | ReemitMessage, delaySeconds: number): Promise<void> {
    await this.#queue.send({ body: JSON.stringify(message) }, delaySeconds);
  }

  async announce(source: SourceObject): Promise<void> {
    await this.#queue.send({ body: JSON.stringify(announcementOf(source)) }, 0);
  }
}

export class SqsFinalizeQueue implements FinalizeQueue, NoticeQueue, NightQueue {
  readonly #queue: SqsQueue;

  constructor(client: SQSClient, url: string, clock: Pick<Clock, 'sleep'>) {
    this.#queue = new SqsQueue(client, url, clock);
  }

  async send(message: FinalizeMessage, delaySeconds: number): Promise<void> {
    await this.#queue.send({ body: JSON.stringify(message) }, delaySeconds);
  }

  async askForMail(feed: string, delaySeconds: number): Promise<void> {
    const message: NotifyMessage = { v: 1, kind: 'notify', feed };
    await this.#queue.send({ body: JSON.stringify(message) }, delaySeconds);
  }

  async askForNight(feed: string): Promise<void> {
    const message: NightMessage = { v: 1, kind: 'night', feed };
    await this.#queue.send({ body: JSON.stringify(message) }, 0);
  }
}

interface VisibilityChange {
  receiptHandle: string;
  seconds: number;
  resolve: () => void;
  reject: (error: unknown) => void;
}

/** Concurrent changes are sent in calls of ten, as an invocation's messages are received. */
export class SqsInFlightMessages implements InFlightMessages {
  readonly #client: SQSClient;
  readonly #url: string;
  #gathered: VisibilityChange[] = [];

  constructor(client: SQSClient, url: string) {
    this.#client = client;
    this.#url = url;
  }

  changeVisibility(receiptHandle: string, seconds: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#gathered.push({ receiptHandle, seconds, resolve, reject });
      if (this.#gathered.length === 1) setImmediate(() => this.#sendAll());
    });
  }

  async putBack(body: string, group: string | undefined, note: WaitNote): Promise<void> {
    await this.#client.send(
      new SendMessageCommand({
        QueueUrl: this.#url,
        MessageBody: body,
        DelaySeconds: Math.min(maxDelaySeconds, Math.ceil(note.delaySeconds)),
        MessageAttributes: { [waitAttribute]: { DataType: 'String', StringValue: JSON.stringify(note) } },
        ...(group === undefined ? {} : { MessageGroupId: group }),
      }),
      // The note contains the send time: a message sent later would be mistaken for a redrive.
      { abortSignal: AbortSignal.timeout(putBackMs) },
    );
  }

  #sendAll(): void {
    const all = this.#gathered;
    this.#gathered = [];
    for (let from = 0; from < all.length; from += perCall) void this.#send(all.slice(from, from + perCall));
  }

  async #send(changes: VisibilityChange[]): Promise<void> {
    try {
      const { Failed = [] } = await this.#client.send(
        new ChangeMessageVisibilityBatchCommand({
          QueueUrl: this.#url,
          Entries: changes.map(({ receiptHandle, seconds }, index) => ({
            Id: String(index),
            ReceiptHandle: receiptHandle,
            VisibilityTimeout: Math.min(43_200, Math.max(0, Math.ceil(seconds))),
          })),
        }),
      );
      const faults = new Map(Failed.map((failure) => [failure.Id, refusalOf(failure)]));
      changes.forEach(({ resolve, reject }, index) => {
        const fault = faults.get(String(index));
        if (fault === undefined) resolve();
        else reject(fault);
      });
    } catch (error) {
      for (const { reject } of changes) reject(error);
    }
  }
}

/** SQS reports a disabled or refused key as the sender's fault too: core/aws-fault.ts distinguishes them by the code. */
function namedByCode({ Code = 'Unknown', Message }: BatchResultErrorEntry): Error {
  return Object.assign(new Error(Message), { name: Code });
}

function refusalOf(failure: BatchResultErrorEntry): Error {
  const { SenderFault, Code = '', Message } = failure;
  const why = `SQS did not change a message's visibility: ${Code}: ${Message}`;
  // A sender's fault here means that the receipt handle is no longer valid.
  if (SenderFault && !isThrottling(Code)) return new Error(why, { cause: namedByCode(failure) });
  return new AwsFaultError(Code, why);
}

export class SqsQueueDepth implements QueueDepth {
  readonly #client: SQSClient;
  readonly #url: string;

  constructor(client: SQSClient, url: string) {
    this.#client = client;
    this.#url = url;
  }

  async messages(): Promise<number> {
    const answer = await this.#client.send(
      new GetQueueAttributesCommand({
        QueueUrl: this.#url,
        AttributeNames: [
          'ApproximateNumberOfMessages',
          'ApproximateNumberOfMessagesNotVisible',
          'ApproximateNumberOfMessagesDelayed',
        ],
      }),
    );
    return Object.values(answer.Attributes ?? {}).reduce((sum, count) => sum + Number(count), 0);
  }
}
