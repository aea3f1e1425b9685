import { CliError } from '../cli-error.ts';
import { answerJson } from './answer.ts';
import type { ListedNight } from './night-history.ts';
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
        const faults: string[] = [];
        const lists = await Promise.all(
          (await ports.feeds()).map((feed) =>
            history.list(feed, stack).catch((error: unknown): ListedNight[] => {
              // One feed's damaged log must not hide the nights of the others.
              if (!(error instanceof CliError)) throw error;
              faults.push(error.message);
              return [];
            }),
          ),
        );
        const nights = lists.flat().sort((a, b) => (a.to > b.to ? -1 : Number(a.to < b.to)) || b.number - a.number);
        answerJson(response, 200, { nights, faults });
      },
    },
    '/api/night': {
      method: 'GET',
      run: async ({ response, query }) => {
        const [feed, number] = [query.get('feed') ?? '', query.get('number') ?? ''];
        if (!(await ports.feeds()).includes(feed)) throw new RouteRefusal(404, 'There is no such feed.');
        const night = shownNight(feed, number, await ports.stack()).catch((error: unknown) => {
          // What was removed or changed is shown in the view.
          if (error instanceof CliError) throw new RouteRefusal(404, error.message);
          throw error;
        });
        answerJson(response, 200, await night);
      },
    },
  };
}
