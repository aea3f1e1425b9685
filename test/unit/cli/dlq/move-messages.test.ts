import { beforeEach, describe, expect, it } from 'vitest';
import { moveMessages } from '../../../../cli/dlq/move-messages.ts';
import { InMemoryQueues, Killed } from '../../../support/in-memory-queues.ts';
import { SimulatedClock } from '../../../support/simulated-clock.ts';

const never = new AbortController().signal;
const all = { from: 'dlq', to: 'letters', isWanted: () => true };

let clock: SimulatedClock;
let queues: InMemoryQueues;
const names = (count: number) =>
  Array.from({ length: count }, (_, index) => `letter ${String(index).padStart(3, '0')}`);

function begin(count: number): void {
  clock = new SimulatedClock();
  queues = new InMemoryQueues(clock);
  for (const name of names(count)) queues.put('dlq', name);
}

const move = (what: Partial<typeof all> = {}, signal = never) =>
  clock.run(moveMessages({ ...all, ...what }, { queues, clock, random: () => 0, onProgress: () => undefined }, signal));

describe('a move of messages', () => {
  beforeEach(() => begin(25));

  it('moves each message once', async () => {
    const { moved, left } = await move();
    expect({ moved: moved.sort(), left }).toEqual({ moved: names(25), left: 0 });
    expect([queues.bodies('letters'), queues.bodies('dlq')]).toEqual([names(25), []]);
  });

  it('leaves unselected messages where they are, and visible', async () => {
    const { moved, left } = await move({ isWanted: (body: string) => body.endsWith('7') } as Partial<typeof all>);
    expect({ moved: moved.sort(), left }).toEqual({ moved: ['letter 007', 'letter 017'], left: 23 });
    expect(queues.visible('dlq')).toBe(23);
  });

  it('does not move messages again that return to the DLQ meanwhile', async () => {
    queues.onSend = () => queues.fail('letters', 'dlq');
    const { moved } = await move();
    expect(moved.sort()).toEqual(names(25));
    expect(queues.bodies('dlq')).toEqual(names(25));
    expect(queues.visible('dlq')).toBe(25);
  });

  it('retries what SQS did not accept at first', async () => {
    queues.untaken = new Set(['letter 003', 'letter 011']);
    expect((await move()).moved.sort()).toEqual(names(25));
  });

  it('stops when requested, with every message either moved or visible', async () => {
    begin(250);
    const stop = new AbortController();
    queues.onSend = () => stop.abort();
    const { moved } = await move({}, stop.signal);
    expect(moved.length).toBeLessThan(250);
    expect([...queues.bodies('letters'), ...queues.bodies('dlq')].sort()).toEqual(names(250));
    expect(queues.visible('dlq')).toBe(250 - moved.length);
  });
});

it('killed before or after any call loses nothing; the next move moves the rest', async () => {
  begin(12);
  await move();
  const { calls } = queues;
  expect(calls).toBeGreaterThan(4);
  for (let call = 1; call <= calls; call++) {
    for (const when of ['before', 'after'] as const) {
      begin(12);
      queues.killAt = { call, when };
      await move().catch((error: unknown) => expect(error).toBeInstanceOf(Killed));
      queues.killAt = undefined;
      expect(new Set([...queues.bodies('letters'), ...queues.bodies('dlq')])).toEqual(new Set(names(12)));
      // What the killed one held becomes visible when its time is over.
      await clock.advance(60_000);
      await move();
      expect(queues.bodies('dlq')).toEqual([]);
      expect([...new Set(queues.bodies('letters'))]).toEqual(names(12));
    }
  }
});
