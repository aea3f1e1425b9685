import { z } from 'zod';
import { cancelFile } from '../operate/cancel-file.ts';
import { resetLimit, setLimit } from '../operate/change-limit.ts';
import type { DecisionResult, LimitPorts } from '../operate/feed-limit.ts';
import { pauseFeed, resumeFeed } from '../operate/pause-feed.ts';
import type { AskedResult } from '../operate/release-as-asked.ts';
import { releaseAsAsked } from '../operate/release-as-asked.ts';
import type { Who } from '../operate/who.ts';
import { whoDecides, whoUndoes } from '../operate/who.ts';
import { formatCountOf } from '../terminal/format.ts';
import { answerJson } from './answer.ts';
import type { FeedControls } from './feed-controls.ts';
import { controlOf } from './feed-controls.ts';
import type { RoomPorts } from './room-ports.ts';
import type { ActionDone } from './room-state.ts';
import type { Route, Routes } from './route.ts';
import { readWish, RouteRefusal } from './route.ts';

const why = z.string();
const fileWish = z.strictObject({ file: z.string().min(1), why });
const releaseWish = fileWish.extend({
  sends: z.enum(['changes', 'all']).optional(),
  without: z.string().min(1).optional(),
});
const feedWish = z.strictObject({ feed: z.string(), why });
const limitWish = feedWish.extend({ requests: z.number(), until: z.string().max(40).optional() });

/** Stops, limits and what answers them: the functions that the commands call. */
export function actionRoutes(ports: RoomPorts, controls: FeedControls): Routes {
  const { by } = ports;
  const limitPorts = async (): Promise<LimitPorts> => ({ ...(await ports.stack()), clock: ports.clock });
  /** What applies from now on, in words. */
  const decided = (result: DecisionResult): string => {
    if (result.kind === 'refused') throw new RouteRefusal(409, result.why);
    controls.forget();
    const { feed, paused, limit } = controlOf(result.state, ports.clock.now());
    return `${feed}: ${paused ?? limit ?? 'in progress, without a limit'}.`;
  };
  return {
    '/api/cancel': action(fileWish, async ({ file, why: given }) => {
      const who = whoDecides({ by, why: given }, 'why the file is stopped');
      const result = await cancelFile(file, who, await ports.stack());
      if (result.kind === 'refused') throw new RouteRefusal(409, result.why);
      return 'It is stopped: within 30 seconds consumers send nothing more of it.';
    }),
    '/api/release': action(releaseWish, async ({ file, why: given, ...wish }) => {
      const who = whoDecides({ by, why: given }, 'the reason to send it');
      return releasedText(await releaseAsAsked(file, wish, who, await ports.stack()));
    }),
    '/api/pause': action(feedWish, async ({ feed, why: given }) => {
      const who: Who = whoDecides({ by, why: given }, 'why the feed is paused');
      return decided(await pauseFeed(feed, who, await limitPorts()));
    }),
    '/api/resume': action(feedWish, async ({ feed, why: given }) =>
      decided(await resumeFeed(feed, whoUndoes({ by, why: given }), await limitPorts())),
    ),
    '/api/limit': action(limitWish, async ({ feed, requests, until, why: given }) => {
      const who = whoDecides({ by, why: given }, 'why the limit is changed');
      return decided(await setLimit(feed, { requests, until }, who, await limitPorts()));
    }),
    '/api/limit/reset': action(feedWish, async ({ feed, why: given }) =>
      decided(await resetLimit(feed, whoUndoes({ by, why: given }), await limitPorts())),
    ),
  };
}

/** @throws RouteRefusal if nothing was changed */
function releasedText(result: AskedResult): string {
  switch (result.kind) {
    case 'refused':
      throw new RouteRefusal(409, result.why);
    case 'going-on':
      return `It goes on without ${result.earlier.fileId}, of which nothing more is sent.`;
    case 'released': {
      const { records, withoutControl, without } = result;
      const released =
        withoutControl === undefined
          ? `It is released: ${formatCountOf(records, 'record')} will be sent.`
          : 'It is released: it will be sent without its control file.';
      if (!without) return released;
      return `${released} ${without.kind === 'refused' ? without.why : releasedText(without)}`;
    }
  }
}

function action<T>(schema: z.ZodType<T>, act: (wish: T) => Promise<string>): Route {
  return {
    method: 'POST',
    run: async ({ request, response }) => {
      const done: ActionDone = {
        text: await act(await readWish(request, schema, 'It must say what is meant, and why.')),
      };
      answerJson(response, 200, done);
    },
  };
}
