import { answerJson } from './answer.ts';
import { DeadIndex } from './dead-index.ts';
import type { RoomPorts } from './room-ports.ts';
import type { RoomState } from './room-state.ts';
import type { Routes } from './route.ts';
import { deadRoutes } from './routes-dead.ts';
import { fileRoutes } from './routes-files.ts';
import { importRoutes } from './routes-import.ts';
import { recordRoutes } from './routes-record.ts';

/** Everything that the page asks for, by path. */
export function roomRoutes(ports: RoomPorts): Routes {
  const dead = new DeadIndex(ports.clock);
  return {
    '/api/snapshot': {
      method: 'GET',
      run: async ({ response }) => {
        const state: RoomState = { ...(await ports.sight()), jobs: ports.jobs.list(), by: ports.by };
        answerJson(response, 200, state);
      },
    },
    ...fileRoutes(ports),
    ...deadRoutes(ports, dead),
    ...recordRoutes(ports, dead),
    ...importRoutes(ports, dead),
  };
}
