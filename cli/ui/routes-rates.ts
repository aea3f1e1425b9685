import { sharedApis } from '../live/describe-api.ts';
import { answerJson } from './answer.ts';
import { FinishedBatches } from './finished-batches.ts';
import { rateHistory } from './rate-history.ts';
import type { RoomPorts } from './room-ports.ts';
import type { Routes } from './route.ts';
import { RouteRefusal } from './route.ts';

const shownHours = 6;
/** A batch that was finished in the time may have begun before. Milliseconds. */
const beforeMs = 30 * 60_000;

/** How fast an API was used in the last hours. */
export function rateRoutes(ports: RoomPorts): Routes {
  const batches = new FinishedBatches();
  return {
    '/api/rates': {
      method: 'GET',
      run: async ({ response, query }) => {
        const stack = await ports.stack();
        const apis = sharedApis(await ports.feeds(), (feed) => stack.outputs.api(feed));
        const api = apis.find(({ id }) => id === query.get('api'));
        if (!api) throw new RouteRefusal(404, 'There is no such API.');
        const now = ports.clock.now();
        const since = now - shownHours * 3_600_000 - beforeMs;
        const read = await Promise.all(api.feeds.map((feed) => batches.read(feed, since, stack.ledger)));
        const { id, feeds, url, requests, windowSeconds, consumers } = api;
        const limit = url === null ? undefined : { requests, windowSeconds };
        const decisions = await stack.limiterOf(id).listDecisions();
        const facts = { api: id, feeds, limit, consumers, batches: read.flat(), decisions };
        answerJson(response, 200, rateHistory({ ...facts, samples: ports.samples.of(id) }, shownHours, now));
      },
    },
  };
}
