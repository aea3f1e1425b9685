import { CliError } from '../cli-error.ts';
import { answerJson } from './answer.ts';
import { NightHistory, shownNight } from './night-history.ts';
import type { RoomPorts } from './room-ports.ts';
import type { Routes } from './route.ts';
import { RouteRefusal } from './route.ts';

/** The night logs: a list of nights, and each night. */
export function nightRoutes(ports: RoomPorts): Routes {
  const history = new NightHistory();
  return {
    '/api/nights': {
      method: 'GET',
      run: async ({ response }) => {
        const stack = await ports.stack();
        const lists = await Promise.all((await ports.feeds()).map((feed) => asked(history.list(feed, stack))));
        const nights = lists.flat().sort((a, b) => (a.to > b.to ? -1 : Number(a.to < b.to)) || b.number - a.number);
        answerJson(response, 200, { nights });
      },
    },
    '/api/night': {
      method: 'GET',
      run: async ({ response, query }) => {
        const [feed, number] = [query.get('feed') ?? '', query.get('number') ?? ''];
        if (!(await ports.feeds()).includes(feed)) throw new RouteRefusal(404, 'There is no such feed.');
        answerJson(response, 200, await asked(shownNight(feed, number, await ports.stack())));
      },
    },
  };
}

/** What was removed or changed is said in the view. */
async function asked<T>(work: Promise<T>): Promise<T> {
  return work.catch((error: unknown) => {
    if (error instanceof CliError) throw new RouteRefusal(404, error.message);
    throw error;
  });
}
