import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import { byService } from '../../lambdas/core/deadlines/projection.ts';
import { maxOpenFiles } from '../../lambdas/deadlines/project-open-files.ts';
import type { BatchLedger, Clock, DeadLedger, FileLedger, LimiterStore } from '../../lambdas/ports.ts';
import type { Projections } from '../drop/project-files.ts';
import { projectFilesOf } from '../drop/project-files.ts';
import type { StackOutputs } from '../stack/stack-outputs.ts';
import type { DeadCount } from './count-dead.ts';
import { countDead } from './count-dead.ts';
import type { SharedApi } from './describe-api.ts';
import { describeApi, sharedApis } from './describe-api.ts';
import { describeLive } from './describe-file.ts';
import { headlinesOf } from './headlines.ts';
import { Cached } from './cached.ts';
import { ProgressMeter } from './progress-meter.ts';
import type { ClosedPorts } from './read-closed.ts';
import { ClosedFiles } from './read-closed.ts';
import { readQueues } from './read-queues.ts';
import type { LiveApi, LiveQueue, Snapshot } from './snapshot.ts';

export interface SnapshotPorts extends Omit<ClosedPorts, 'ledger'> {
  ledger: ClosedPorts['ledger'] &
    Pick<FileLedger, 'listFiles'> &
    Pick<BatchLedger, 'listBatches'> &
    Pick<DeadLedger, 'listDead'>;
  limiterOf: (api: string) => Pick<LimiterStore, 'read'>;
  outputs: StackOutputs;
  /** SQS's count of a queue's messages. */
  count: (url: string) => Promise<number>;
  clock: Pick<Clock, 'now'>;
}

export interface SnapshotScope {
  stack: string;
  cloud: string;
  /** All deployed feeds: each may influence when a file will be done. */
  feeds: readonly string[];
  /** The feeds to show: one of them, or all. */
  only?: string | undefined;
}

const queuesEveryMs = 5_000;
const deadEveryMs = 10_000;
/** Files shown at most; the number of others is shown. */
const shownFiles = 200;

/**
 * Reads snapshots of a stack. A snapshot takes a query per feed, a read per 100 open files, a read per API, and a query for
 * each of up to four files; queues and dead letters, which cost more, are read less often.
 */
export class SnapshotReader {
  readonly #scope: SnapshotScope;
  readonly #ports: SnapshotPorts;
  readonly #names: readonly string[];
  readonly #apis: SharedApi[];
  readonly #progress: ProgressMeter;
  readonly #closed: ClosedFiles;
  readonly #queues: Cached<LiveQueue[]>;
  readonly #dead: Cached<DeadCount[]>;
  #open: FileAccount[] = [];

  constructor(scope: SnapshotScope, ports: SnapshotPorts) {
    const { ledger, outputs } = ports;
    this.#scope = scope;
    this.#ports = ports;
    this.#names = scope.only === undefined ? scope.feeds : [scope.only];
    this.#apis = sharedApis(scope.feeds, (feed) => outputs.api(feed));
    this.#progress = new ProgressMeter(ledger);
    this.#closed = new ClosedFiles(scope.feeds, ports);
    this.#queues = new Cached(queuesEveryMs, () => readQueues(this.#names, ports));
    this.#dead = new Cached(deadEveryMs, () =>
      Promise.all(this.#names.map((feed) => countDead(feed, this.#open.filter(isOf(feed)), ledger, ports.clock.now()))),
    );
  }

  async look(): Promise<Snapshot> {
    const { clock } = this.#ports;
    const sight = onceALook(this.#ports);
    const all = await Promise.all(
      this.#scope.feeds.map((feed) => sight.ledger.listFiles(feed, 'open', maxOpenFiles, 'oldest')),
    );
    const [projections, open, closed] = await Promise.all([
      projectFilesOf(sight, clock),
      this.#progress.count(all.flat().sort(byService)),
      this.#closed.read(all.flat(), clock.now()),
    ]);
    this.#open = open;
    const [apis, queues, dead] = await Promise.all([
      this.#readApis(open, closed, sight),
      this.#queues.get(clock.now()),
      this.#dead.get(clock.now()),
    ]);
    const count = { groups: dead.flatMap(({ groups }) => groups), isPartial: dead.some(({ isPartial }) => isPartial) };
    return {
      stack: this.#scope.stack,
      cloud: this.#scope.cloud,
      at: new Date(clock.now()).toISOString(),
      ...this.#describeFiles(open, projections, { apis, queues, dead: count }),
      closed: await this.#closed.describe(closed.filter((file) => this.#isShown(file))),
      apis,
      queues,
      dead_letters: count.groups,
      dead_letters_are_partial: count.isPartial,
    };
  }

  #describeFiles(
    open: readonly FileAccount[],
    projections: Projections,
    rest: { apis: LiveApi[]; queues: LiveQueue[]; dead: DeadCount },
  ): Pick<Snapshot, 'headlines' | 'files' | 'files_under_way'> {
    const now = this.#ports.clock.now();
    const mine = open.filter((file) => this.#isShown(file));
    const projected = mine.map((file) => projections.of(file.fileId)).filter((one) => one !== undefined);
    const zoneOf = (feed: string): string | undefined => this.#ports.outputs.api(feed)?.deadline?.timeZone;
    return {
      headlines: headlinesOf({ filesUnderWay: mine.length, projections: projected, ...rest, zoneOf, now }),
      files: mine.slice(0, shownFiles).map((file) => {
        const projection = projections.of(file.fileId);
        return describeLive(file, { projection, zone: zoneOf(file.feed), now });
      }),
      files_under_way: mine.length,
    };
  }

  async #readApis(
    open: readonly FileAccount[],
    closed: readonly FileAccount[],
    { limiterOf }: Pick<SnapshotPorts, 'limiterOf'>,
  ): Promise<LiveApi[]> {
    const now = this.#ports.clock.now();
    const shown = this.#apis.filter(({ feeds }) => feeds.some((feed) => this.#names.includes(feed)));
    return Promise.all(
      shown.map(async (api) => {
        const ofApi = ({ feed }: FileAccount): boolean => api.feeds.includes(feed);
        this.#progress.note(api.id, open.filter(ofApi), closed.filter(ofApi), now);
        return describeApi(api, await limiterOf(api.id).read(), this.#progress.perSecond(api.id), now);
      }),
    );
  }

  #isShown({ feed }: FileAccount): boolean {
    return this.#names.includes(feed);
  }
}

/** Shares a read between callers within one snapshot. */
function onceALook({ ledger, limiterOf, outputs }: Pick<SnapshotPorts, 'ledger' | 'limiterOf' | 'outputs'>) {
  const listFiles = once((...wish: Parameters<FileLedger['listFiles']>) => ledger.listFiles(...wish));
  const read = once((api: string) => limiterOf(api).read());
  return { ledger: { listFiles }, limiterOf: (api: string) => ({ read: () => read(api) }), outputs };
}

function once<A extends unknown[], T>(ask: (...wish: A) => Promise<T>): (...wish: A) => Promise<T> {
  const asked = new Map<string, Promise<T>>();
  return (...wish) => {
    const key = JSON.stringify(wish);
    const answer = asked.get(key) ?? ask(...wish);
    asked.set(key, answer);
    return answer;
  };
}

const isOf =
  (feed: string) =>
  (file: FileAccount): boolean =>
    file.feed === feed;
