import { beforeEach, describe, expect, it } from 'vitest';
import type { Move } from '../../../../cli/dlq/move-messages.ts';
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

const move = (what: Partial<Move> = {}, signal = never) =>
  clock.run(moveMessages({ ...all, ...what }, { queues, clock, random: () => 0, onProgress: () => undefined }, signal));

describe('a move of messages', () => {
  beforeEach(() => begin(25));

  it('moves each message once', async () => {
    const seen: string[] = [];
    const { moved, left } = await move({ onMoved: (body) => void seen.push(body) });
    expect({ moved, left }).toEqual({ moved: 25, left: 0 });
    expect(seen.sort()).toEqual(names(25));
    expect([queues.bodies('letters'), queues.bodies('dlq')]).toEqual([names(25), []]);
  });

  it('leaves unselected messages where they are, and visible', async () => {
    const seen: string[] = [];
    const { left } = await move({ isWanted: (body) => body.endsWith('7'), onMoved: (body) => void seen.push(body) });
    expect({ seen: seen.sort(), left }).toEqual({ seen: ['letter 007', 'letter 017'], left: 23 });
    expect(queues.visible('dlq')).toBe(23);
  });

  it('does not move messages again that return to the DLQ meanwhile', async () => {
    queues.onSend = () => queues.fail('letters', 'dlq');
    const { moved } = await move();
    expect(moved).toBe(25);
    expect(queues.bodies('dlq')).toEqual(names(25));
    expect(queues.visible('dlq')).toBe(25);
  });

  it('retries what SQS did not accept at first', async () => {
    queues.untaken = new Set(['letter 003', 'letter 011']);
    expect((await move()).moved).toBe(25);
    expect(queues.bodies('letters')).toEqual(names(25));
  });

  it('stops when requested, with every message either moved or visible', async () => {
    begin(250);
    const stop = new AbortController();
    queues.onSend = () => stop.abort();
    const { moved } = await move({}, stop.signal);
    expect(moved).toBeLessThan(250);
    expect([...queues.bodies('letters'), ...queues.bodies('dlq')].sort()).toEqual(names(250));
    expect(queues.visible('dlq')).toBe(250 - moved);
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
