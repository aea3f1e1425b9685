import type { BatchMessage } from '../messages.ts';
import type { BatchQueue } from '../ports.ts';

/** A call is filled up to this before it is sent: what SendMessageBatch takes, less some room. */
const callMessages = 10;
const callBytes = 900_000;

/** Sends batches with several calls in flight, bounded: reading stops while they are outstanding. */
export class BatchSender {
  readonly #queue: BatchQueue;
  readonly #maxInFlight: number;
  readonly #inFlight = new Set<Promise<void>>();
  #gathered: BatchMessage[] = [];
  #gatheredBytes = 0;
  #failure: { error: unknown } | undefined;

  constructor(queue: BatchQueue, maxInFlight = 6) {
    this.#queue = queue;
    this.#maxInFlight = maxInFlight;
  }

  /** Resolves once there is room for more. @throws what an earlier call failed with */
  async add(message: BatchMessage): Promise<void> {
    // About its bytes. What is more than a call takes after all, the queue sends in two.
    const length = message.kind === 'slice' ? message.body.length : message.head.length;
    if (this.#gathered.length === callMessages || this.#gatheredBytes + length > callBytes) await this.#flush();
    this.#gathered.push(message);
    this.#gatheredBytes += length;
  }

  /** Sends what is gathered; the promise given back resolves when all that was added so far is in the queue. */
  async flush(): Promise<{ sent: Promise<void> }> {
    await this.#flush();
    const outstanding = [...this.#inFlight];
    const sent = Promise.all(outstanding).then(() => this.#throwFailure());
    // Whoever waits for it gets the failure; nobody waiting must not be an unhandled rejection.
    sent.catch(() => undefined);
    return { sent };
  }

  async #flush(): Promise<void> {
    this.#throwFailure();
    while (this.#inFlight.size >= this.#maxInFlight) await Promise.race(this.#inFlight);
    this.#throwFailure();
    if (this.#gathered.length === 0) return;
    const call = this.#queue
      .sendBatches(this.#gathered)
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#inFlight.delete(call));
    this.#inFlight.add(call);
    this.#gathered = [];
    this.#gatheredBytes = 0;
  }

  #throwFailure(): void {
    if (this.#failure) throw this.#failure.error;
  }
}
