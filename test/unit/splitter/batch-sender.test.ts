import { describe, expect, it } from 'vitest';
import type { BatchMessage } from '../../../lambdas/messages.ts';
import type { BatchQueue } from '../../../lambdas/ports.ts';
import { BatchSender } from '../../../lambdas/splitter/batch-sender.ts';

/** A queue that answers on request of the test. */
class HeldQueue implements BatchQueue {
  readonly calls: BatchMessage[][] = [];
  readonly #open: { resolve: () => void; reject: (error: Error) => void }[] = [];

  get inFlight(): number {
    return this.#open.length;
  }
  sendBatches(messages: BatchMessage[]): Promise<void> {
    this.calls.push(messages);
    return new Promise((resolve, reject) => this.#open.push({ resolve, reject }));
  }
  sendSuccessor = () => Promise.reject(new Error('a splitter sends no successors'));

  async answer(error?: Error): Promise<void> {
    const first = this.#open.shift();
    if (error) first?.reject(error);
    else first?.resolve();
    await settled();
  }
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

const batch = (number: number, body = 'x'): BatchMessage => ({
  ...{ v: 1, kind: 'slice', feed: 'traffic', fileId: 'f', batch: number, attempt: 1, failures: 0 },
  ...{ offset: 0, firstRecord: number, firstLine: number, records: 1, encoding: 'text', body },
});

/** A reader that adds batch after batch, as far as the sender allows. */
function reader(sender: BatchSender, count: number, body?: string) {
  const read = { batches: 0, error: undefined as unknown };
  const work = (async () => {
    for (let number = 1; number <= count; number++) {
      await sender.add(batch(number, body));
      read.batches = number;
    }
  })();
  work.catch((error: unknown) => (read.error = error));
  return read;
}

describe('the sender of batches', () => {
  it.each([1, 6])('pauses the reader while %i calls are in flight', async (maxInFlight) => {
    const queue = new HeldQueue();
    const read = reader(new BatchSender(queue, { maxInFlight }), 1_000);
    await settled();
    expect(queue.inFlight).toBe(maxInFlight);
    // Those in flight, and as many as fill the next call.
    expect(read.batches).toBe(10 * maxInFlight + 10);

    for (let answers = 1; answers <= 20; answers++) {
      await queue.answer();
      expect(queue.inFlight).toBe(maxInFlight);
      expect(read.batches).toBe(10 * (maxInFlight + answers) + 10);
    }
  });

  it('also bounds the bytes of a call', async () => {
    const queue = new HeldQueue();
    const read = reader(new BatchSender(queue, { maxInFlight: 2 }), 100, 'x'.repeat(160_000));
    await settled();
    expect(queue.calls.map((call) => call.length)).toEqual([5, 5]);
    expect(read.batches).toBe(15);
  });

  it('reports a failure to the reader, and to callers that wait for all to be sent', async () => {
    const queue = new HeldQueue();
    const sender = new BatchSender(queue, { maxInFlight: 2 });
    const waiting = new BatchSender(queue);
    const read = reader(sender, 1_000);
    await waiting.add(batch(1));
    await settled();
    const { sent } = await waiting.flush();
    await queue.answer(new Error('SQS is gone'));
    expect(read.error).toEqual(new Error('SQS is gone'));
    await queue.answer();
    await queue.answer(new Error('and away'));
    await expect(sent).rejects.toThrow('and away');
    await expect(waiting.flush()).rejects.toThrow('and away');
  });

  it('has sent all, in order, when it reports that it has', async () => {
    const queue = new HeldQueue();
    const sender = new BatchSender(queue);
    const read = reader(sender, 25);
    await settled();
    const { sent } = await sender.flush();
    let isSent = false;
    void sent.then(() => (isSent = true));
    await queue.answer();
    await queue.answer();
    expect(isSent).toBe(false);
    await queue.answer();
    expect(isSent).toBe(true);
    expect(read.batches).toBe(25);
    expect(queue.calls.flat().map((message) => message.batch)).toEqual(Array.from({ length: 25 }, (_, i) => i + 1));
  });
});
