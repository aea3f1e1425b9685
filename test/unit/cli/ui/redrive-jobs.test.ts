import { expect, it } from 'vitest';
import { RedriveJobs } from '../../../../cli/ui/redrive-jobs.ts';

/** Runs until it is told to stop. */
const untilStopped = (_: unknown, say: (text: string) => void, signal: AbortSignal): Promise<string> => {
  say('moving');
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve('3 moved')));
};

it('tells those that run to stop, and waits until they have', async () => {
  const jobs = new RedriveJobs(untilStopped, String);
  jobs.start({ feed: 'traffic' });
  jobs.start({ feed: 'maintenance', reason: 'timeout' });
  expect(jobs.list()).toMatchObject([
    { feed: 'maintenance', reason: 'timeout', state: 'running', text: 'moving' },
    { feed: 'traffic', reason: null, state: 'running', text: 'moving' },
  ]);
  expect(await jobs.stop()).toBe(2);
  expect(jobs.list().map(({ state, text }) => `${state}: ${text}`)).toEqual(['done: 3 moved', 'done: 3 moved']);
  expect(await jobs.stop()).toBe(0);
});

it('keeps the last ten', async () => {
  const jobs = new RedriveJobs(async () => 'done', String);
  for (let job = 1; job <= 12; job++) jobs.start({ feed: `f${job}` });
  await jobs.stop();
  expect(jobs.list().map(({ id }) => id)).toEqual([12, 11, 10, 9, 8, 7, 6, 5, 4, 3]);
});
