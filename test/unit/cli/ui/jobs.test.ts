import { expect, it } from 'vitest';
import { Jobs } from '../../../../cli/ui/jobs.ts';
import { SimulatedClock } from '../../../support/simulated-clock.ts';

/** Runs until it is asked to stop. */
const untilStopped = (say: (text: string) => void, signal: AbortSignal): Promise<string> => {
  say('moving');
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve('3 moved')));
};

const redriveOf = (feed: string) => ({ kind: 'redrive' as const, feed, what: 'all dead letters' });

it('asks running jobs to stop, and waits until they have', async () => {
  const jobs = new Jobs(String, new SimulatedClock());
  jobs.start(redriveOf('traffic'), untilStopped);
  jobs.start({ ...redriveOf('maintenance'), what: 'timeout' }, untilStopped);
  expect(jobs.list()).toMatchObject([
    { feed: 'maintenance', what: 'timeout', state: 'running', text: 'moving' },
    { feed: 'traffic', what: 'all dead letters', state: 'running', text: 'moving' },
  ]);
  expect(await jobs.stop()).toBe(2);
  expect(jobs.list().map(({ state, text }) => `${state}: ${text}`)).toEqual(['done: 3 moved', 'done: 3 moved']);
  expect(await jobs.stop()).toBe(0);
});

it('redrives a feed once at a time, and corrects any number of its records meanwhile', async () => {
  const jobs = new Jobs(String, new SimulatedClock());
  const correction = { kind: 'correction', feed: 'traffic', what: 'record 4' } as const;
  const kinds = [redriveOf('traffic'), correction, correction, redriveOf('traffic'), redriveOf('maintenance')];
  expect(kinds.map((kind) => jobs.start(kind, untilStopped).kind)).toEqual([
    ...['started', 'started', 'started', 'busy', 'started'],
  ]);
  await jobs.stop();
});

it('stops showing a result after two minutes, and a failure after fifteen', async () => {
  let minutes = 0;
  const jobs = new Jobs(String, { now: () => minutes * 60_000 });
  jobs.start(redriveOf('traffic'), async () => 'done');
  jobs.start(redriveOf('maintenance'), () => Promise.reject(new Error('no')));
  await jobs.stop();
  const statesAt = (at: number): string[] => {
    minutes = at;
    return jobs.list().map(({ state }) => state);
  };
  expect([0, 2, 15].map(statesAt)).toEqual([['failed', 'done'], ['failed'], []]);
});

it('keeps the last twenty, and all that run', async () => {
  const jobs = new Jobs(String, new SimulatedClock());
  jobs.start(redriveOf('running'), untilStopped);
  for (let job = 1; job <= 22; job++) {
    jobs.start(redriveOf(`f${job}`), async () => 'done');
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(jobs.list().map(({ id }) => id)).toEqual([...Array.from({ length: 20 }, (_, n) => 23 - n), 1]);
  await jobs.stop();
});
