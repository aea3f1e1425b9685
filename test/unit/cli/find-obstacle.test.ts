import { expect, it } from 'vitest';
import type { ObstaclePorts } from '../../../cli/drop/find-obstacle.ts';
import { findObstacle } from '../../../cli/drop/find-obstacle.ts';
import type { SendingOff } from '../../../cli/live/sending-off.ts';

const queue = (url: string) => ({ lane: 'main' as const, url });
const ports = (changes: Partial<ObstaclePorts>): ObstaclePorts => ({
  outputs: {
    dlqs: () => ({ records: [queue('records')], letters: [], intake: [queue('intake')] }),
    finalizeDlqUrl: () => 'finalize',
  },
  count: () => Promise.resolve(0),
  sendingOff: () => Promise.resolve([]),
  ...changes,
});

it('finds nothing if all functions get messages and the DLQs are empty', async () => {
  expect(await findObstacle(ports({}), 'traffic')).toBeUndefined();
});

it('names a function that is switched off in AWS, and tasks that failed', async () => {
  const sendingOff = () =>
    Promise.resolve<SendingOff[]>([
      { feed: 'traffic', lane: 'main', part: 'consumer', functionName: 'send', why: 'mapping' },
    ]);
  const count = (url: string) => Promise.resolve(url === 'intake' ? 2 : 0);
  const found = await findObstacle(ports({ sendingOff, count }), 'traffic');
  expect(found).toMatch(/^Sending is off in the main lane of traffic: .+ of send is disabled in AWS\. No progress/);
  expect(found).toContain('2 messages of files that could not be split');
});
