import type { QueueAccess, QueueCounts, ReceivedMessage } from '../../lambdas/adapters/queue-access.ts';
import type { Clock } from '../../lambdas/ports.ts';

interface Stored {
  messageId: string;
  body: string;
  receiptHandle: string;
  visibleAt: number;
}

/** The process ends here: what the call does has happened, or not. */
export class Killed extends Error {}

/** Queues that behave as SQS does: messages that are received are hidden for a while, and deleted by their last receipt. */
export class InMemoryQueues implements QueueAccess {
  readonly #queues = new Map<string, Stored[]>();
  readonly #clock: Pick<Clock, 'now'>;
  #ids = 0;
  /** Changes that have been made. */
  calls = 0;
  /** The call that is the process's last; and whether it has been carried out by then. */
  killAt: { call: number; when: 'before' | 'after' } | undefined;
  /** Ids that are not taken, the first time each: as when SQS throttles. */
  untaken = new Set<string>();
  onSend: (url: string, body: string) => void = () => undefined;

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  put(url: string, body: string): void {
    this.#of(url).push({ messageId: `m${++this.#ids}`, body, receiptHandle: '', visibleAt: 0 });
  }

  bodies(url: string): string[] {
    return this.#of(url)
      .map(({ body }) => body)
      .sort();
  }

  take(url: string): string[] {
    return this.#of(url)
      .splice(0)
      .map(({ body }) => body);
  }

  visible(url: string): number {
    return this.#of(url).filter(({ visibleAt }) => visibleAt <= this.#clock.now()).length;
  }

  #of(url: string): Stored[] {
    const queue = this.#queues.get(url) ?? [];
    this.#queues.set(url, queue);
    return queue;
  }

  #step<T>(change: () => T): T {
    const call = ++this.calls;
    if (this.killAt && call > this.killAt.call) throw new Killed();
    if (this.killAt?.call === call && this.killAt.when === 'before') throw new Killed();
    const result = change();
    if (this.killAt?.call === call) throw new Killed();
    return result;
  }

  async count(url: string): Promise<QueueCounts> {
    const visible = this.visible(url);
    return { visible, inFlight: this.#of(url).length - visible, delayed: 0 };
  }

  async receive(url: string, holdSeconds: number): Promise<ReceivedMessage[]> {
    return this.#step(() => {
      const now = this.#clock.now();
      const found = this.#of(url)
        .filter(({ visibleAt }) => visibleAt <= now)
        .slice(0, 10);
      for (const message of found) {
        message.receiptHandle = `r${++this.#ids}`;
        message.visibleAt = now + holdSeconds * 1000;
      }
      return found.map(({ messageId, body, receiptHandle }) => ({
        messageId,
        body,
        receiptHandle,
        sentAt: 0,
        receives: 1,
      }));
    });
  }

  async send(url: string, messages: readonly { body: string }[]): Promise<(string | undefined)[]> {
    return this.#step(() =>
      messages.map(({ body }) => {
        if (this.untaken.delete(body)) return undefined;
        this.put(url, body);
        const { messageId } = this.#of(url).at(-1) as Stored;
        this.onSend(url, body);
        return messageId;
      }),
    );
  }

  async remove(url: string, messages: readonly ReceivedMessage[]): Promise<void> {
    this.#step(() => {
      const handles = new Set(messages.map(({ receiptHandle }) => receiptHandle));
      const left = this.#of(url).filter(({ receiptHandle }) => !handles.has(receiptHandle));
      this.#queues.set(url, left);
    });
  }

  async release(url: string, messages: readonly ReceivedMessage[]): Promise<void> {
    this.#step(() => {
      const handles = new Set(messages.map(({ receiptHandle }) => receiptHandle));
      for (const message of this.#of(url)) if (handles.has(message.receiptHandle)) message.visibleAt = 0;
    });
  }

  /** As SQS moves a message that was received too often: its id stays. */
  fail(from: string, to: string): void {
    this.#of(to).push(
      ...this.#of(from)
        .splice(0)
        .map((message) => ({ ...message, visibleAt: 0 })),
    );
  }
}
