import type { BatchMessage } from '../messages.ts';
import type { BatchQueue } from '../ports.ts';

/** Limits of a call: those of SendMessageBatch, less some room. */
const callMessages = 10;
const callBytes = 900_000;

interface Sending {
  maxInFlight: number;
  /** Absent: every batch is visible at once. */
  delaySecondsOf?: (message: BatchMessage) => number;
}

/** Sends batches with a bounded number of calls in flight: reading pauses while all are outstanding. */
export class BatchSender {
  readonly #queue: BatchQueue;
  readonly #delaySecondsOf: Sending['delaySecondsOf'];
  readonly #maxInFlight: number;
  readonly #inFlight = new Set<Promise<void>>();
  #gathered: BatchMessage[] = [];
  #gatheredBytes = 0;
  #failure: { error: unknown } | undefined;

  constructor(queue: BatchQueue, { maxInFlight = 6, delaySecondsOf }: Partial<Sending> = {}) {
    this.#queue = queue;
    this.#delaySecondsOf = delaySecondsOf;
    this.#maxInFlight = maxInFlight;
  }

  /** Resolves once there is room for more. @throws the error of an earlier call */
  async add(message: BatchMessage): Promise<void> {
    // An estimate of its bytes. If it is too much for one call, the queue sends two.
    const length = message.kind === 'slice' ? message.body.length : message.head.length;
    if (this.#gathered.length === callMessages || this.#gatheredBytes + length > callBytes) await this.#flush();
    this.#gathered.push(message);
    this.#gatheredBytes += length;
  }

  /** Sends what was gathered; the returned promise resolves when everything added so far is in the queue. */
  async flush(): Promise<{ sent: Promise<void> }> {
    await this.#flush();
    const outstanding = [...this.#inFlight];
    const sent = Promise.all(outstanding).then(() => this.#throwFailure());
    // A waiting caller gets the failure; without one, it must not be an unhandled rejection.
    sent.catch(() => undefined);
    return { sent };
  }

  async #flush(): Promise<void> {
    this.#throwFailure();
    while (this.#inFlight.size >= this.#maxInFlight) await Promise.race(this.#inFlight);
    this.#throwFailure();
    if (this.#gathered.length === 0) return;
    const call = this.#queue
      .sendBatches(this.#gathered, this.#delaySecondsOf)
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
