import { expectedRecords } from '../core/account/expected-records.ts';
import type { FileAccount } from '../core/account/file-account.ts';
import type { DeployedLimit } from '../core/limiter/limit-policy.ts';
import type { LimitFact, PauseFact } from '../core/limiter/policy-facts.ts';
import { limitFact, pauseFacts } from '../core/limiter/policy-facts.ts';
import type { LimiterItem } from '../core/limiter/limiter-item.ts';
import type { OpenBreaker } from '../core/limiter/open-breaker.ts';
import { openBreakerOf } from '../core/limiter/open-breaker.ts';
import type { LinePace } from '../core/deadlines/pace.ts';
import { currentPace } from '../core/deadlines/pace.ts';
import type { PacedFeed, Projection } from '../core/deadlines/projection.ts';
import { projectFiles } from '../core/deadlines/projection.ts';
import { readPolicy } from '../ledger/limiter-store.ts';
import type { Clock, FileLedger, LimiterStore } from '../ports.ts';

/** A feed with the limiter that its records wait for. */
export interface ProjectedFeed extends PacedFeed {
  /** Its limiter's name: feeds with the same name share it. */
  api: string;
  /** Undefined if the sink has no limit: the record ledger has none. */
  limit?: DeployedLimit | undefined;
}

export interface ProjectionPorts {
  ledger: Pick<FileLedger, 'listFiles'>;
  limiterOf: (api: string) => Pick<LimiterStore, 'read' | 'readInForce'>;
  clock: Pick<Clock, 'now'>;
}

export interface ProjectedLine {
  api: string;
  /** Undefined if unknown, and while no file is open. */
  pace: LinePace | undefined;
  /** Why nothing is sent at the moment, if the breaker is open. */
  breaker: OpenBreaker | undefined;
  /** Undefined if there is no limit. */
  limit: LimitFact | undefined;
  paused: PauseFact[];
  files: Projection[];
}

/** Open files that are read per feed, oldest first: newer ones wait behind them. */
export const maxOpenFiles = 20_000;
/** Finished files from which the length of records is estimated: the newest. */
const doneFiles = 20;

/** When each open file will be done: one projection per API, with the files of all feeds that share it. */
export async function projectOpenFiles(
  feeds: readonly ProjectedFeed[],
  ports: ProjectionPorts,
): Promise<ProjectedLine[]> {
  const apis = [...new Set(feeds.map(({ api }) => api))];
  return Promise.all(
    apis.map((api) =>
      projectLine(
        api,
        feeds.filter((feed) => feed.api === api),
        ports,
      ),
    ),
  );
}

async function projectLine(
  api: string,
  feeds: readonly ProjectedFeed[],
  ports: ProjectionPorts,
): Promise<ProjectedLine> {
  const { ledger, limiterOf, clock } = ports;
  const files = await filesOf(feeds, (feed) => ledger.listFiles(feed, 'open', maxOpenFiles, 'oldest'));
  const isGuessed = files.some((file) => expectedRecords(file) === undefined);
  const done = isGuessed ? await filesOf(feeds, (feed) => ledger.listFiles(feed, 'closed', doneFiles)) : [];
  const state = await readPolicy(limiterOf(api));
  const { item } = state;
  const now = clock.now();
  const deployed = feeds[0]?.limit;
  const pace = currentPace({ limit: deployed, item, files }, now);
  const paused = pauseFacts(state.inForce);
  const pausedFeeds = paused.map(({ feed }) => feed);
  return {
    api,
    pace,
    breaker: openBreakerOf(item),
    limit: deployed && limitFact(state, deployed, now),
    paused,
    files: projectFiles({ files, done, pace, pausedUntil: pauseOf(item), pausedFeeds }, feeds, now),
  };
}

async function filesOf(
  feeds: readonly ProjectedFeed[],
  list: (feed: string) => Promise<FileAccount[]>,
): Promise<FileAccount[]> {
  return (await Promise.all(feeds.map(({ feed }) => list(feed)))).flat();
}

function pauseOf({ pausedUntil = 0, breaker, openUntil = 0 }: LimiterItem): number {
  return Math.max(pausedUntil, breaker === 'open' ? openUntil : 0);
}
