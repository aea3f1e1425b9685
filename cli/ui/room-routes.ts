import { answerJson } from './answer.ts';
import { DeadIndex } from './dead-index.ts';
import { FeedControls } from './feed-controls.ts';
import type { RoomPorts } from './room-ports.ts';
import type { RoomState } from './room-state.ts';
import type { Routes } from './route.ts';
import { deadRoutes } from './routes-dead.ts';
import { actionRoutes } from './routes-actions.ts';
import { fileRoutes } from './routes-files.ts';
import { importRoutes } from './routes-import.ts';
import { nightRoutes } from './routes-nights.ts';
import { rateRoutes } from './routes-rates.ts';
import { recordRoutes } from './routes-record.ts';

/** Everything that the page asks for, by path. */
export function roomRoutes(ports: RoomPorts): Routes {
  const dead = new DeadIndex(ports.clock);
  const limits = async () => ({ ...(await ports.stack()), clock: ports.clock });
  const controls = new FeedControls(limits, ports.feeds, ports.clock);
  return {
    '/api/snapshot': {
      method: 'GET',
      run: async ({ response }) => {
        const sight = await ports.sight();
        // While the cloud does not answer, its last state is shown without them.
        const known = sight.unanswered === null ? await controls.list() : [];
        const state: RoomState = { ...sight, controls: known, jobs: ports.jobs.list(), by: ports.by };
        answerJson(response, 200, state);
      },
    },
    ...fileRoutes(ports),
    ...deadRoutes(ports, dead),
    ...recordRoutes(ports, dead),
    ...importRoutes(ports, dead),
    ...rateRoutes(ports),
    ...nightRoutes(ports),
    ...actionRoutes(ports, controls),
  };
}
