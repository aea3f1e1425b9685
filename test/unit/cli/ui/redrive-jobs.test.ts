import { expect, it } from 'vitest';
import { RedriveJobs } from '../../../../cli/ui/redrive-jobs.ts';

const clock = { ms: 0, now: () => clock.ms };

/** Runs until it is told to stop. */
const untilStopped = (_: unknown, say: (text: string) => void, signal: AbortSignal): Promise<string> => {
  say('moving');
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve('3 moved')));
};

it('tells those that run to stop, and waits until they have', async () => {
  const jobs = new RedriveJobs(untilStopped, String, clock);
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
  const jobs = new RedriveJobs(async () => 'done', String, clock);
  for (let job = 1; job <= 12; job++) jobs.start({ feed: `f${job}` });
  await jobs.stop();
  expect(jobs.list().map(({ id }) => id)).toEqual([12, 11, 10, 9, 8, 7, 6, 5, 4, 3]);
});

it('forgets what has ended after two minutes, and what has failed after fifteen', async () => {
  const run = async ({ feed }: { feed: string }) => {
    if (feed === 'broken') throw new Error('no such queue');
    return 'all resolved';
  };
  const jobs = new RedriveJobs(run, String, clock);
  jobs.start({ feed: 'traffic' });
  jobs.start({ feed: 'broken' });
  await jobs.stop();
  const shown = () => jobs.list().map(({ feed, state }) => `${feed} ${state}`);
  clock.ms += 119_999;
  expect(shown()).toEqual(['broken failed', 'traffic done']);
  clock.ms += 1;
  expect(shown()).toEqual(['broken failed']);
  clock.ms += 13 * 60_000;
  expect(shown()).toEqual([]);
});
