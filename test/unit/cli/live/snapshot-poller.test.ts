import { expect, it } from 'vitest';
import { SnapshotPoller } from '../../../../cli/live/snapshot-poller.ts';
import { liveSnapshot } from '../../../support/live-snapshot.ts';

const clock = { ms: 0, now: () => clock.ms };
const explain = (error: unknown): string => (error as Error).message;

it('shares one poll among all callers, and caches it as long as it is fresh', async () => {
  let looks = 0;
  const poller = new SnapshotPoller(async () => (looks++, liveSnapshot()), explain, clock);
  await Promise.all([poller.latest(0), poller.latest(0), poller.latest(500)]);
  expect(looks).toBe(1);
  clock.ms += 499;
  await poller.latest(500);
  expect(looks).toBe(1);
  clock.ms += 1;
  await poller.latest(500);
  expect(looks).toBe(2);
});

it('keeps the last known state while the cloud does not answer, reports since when, and polls again', async () => {
  clock.ms = 1_000;
  let fault: Error | undefined;
  const known = liveSnapshot();
  const look = async () => {
    if (fault) throw fault;
    return known;
  };
  const poller = new SnapshotPoller(look, explain, clock);
  await poller.latest(0);
  fault = new Error('Nothing answers.');
  await poller.latest(0);
  clock.ms = 5_000;
  fault = new Error('Still nothing.');
  expect(await poller.latest(0)).toEqual({
    snapshot: known,
    unanswered: { since: '1970-01-01T00:00:01.000Z', why: 'Still nothing.' },
  });
  fault = undefined;
  expect(await poller.latest(0)).toEqual({ snapshot: known, unanswered: null });
});
