import { isWaitingForControl } from '../../lambdas/core/control/control-mail.ts';
import { isWaitingForRevision } from '../../lambdas/core/series/waiting-revision.ts';
import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import { countFailed } from '../../lambdas/core/account/outcome.ts';
import { byService } from '../../lambdas/core/deadlines/projection.ts';
import { maxOpenFiles } from '../../lambdas/deadlines/project-open-files.ts';
import { readPolicy } from '../../lambdas/ledger/limiter-store.ts';
import type {
  BatchLedger,
  Clock,
  DeadLedger,
  DeskLedger,
  FileLedger,
  LimiterStore,
  NoticeLedger,
  StrayNote,
} from '../../lambdas/ports.ts';
import type { Projections } from '../drop/project-files.ts';
import { projectFilesOf } from '../drop/project-files.ts';
import type { StackOutputs } from '../stack/stack-outputs.ts';
import type { DeadCount, DeadRead } from './count-dead.ts';
import { countDead, outlookOf, readDead } from './count-dead.ts';
import type { SharedApi } from './describe-api.ts';
import { describeApi, sharedApis } from './describe-api.ts';
import { describeLive, withOpenDead } from './describe-file.ts';
import type { Facts } from './facts.ts';
import { describeExpected } from './describe-expected.ts';
import { headlinesOf } from './headlines.ts';
import { Cached } from './cached.ts';
import { ProgressMeter } from './progress-meter.ts';
import type { ClosedPorts } from './read-closed.ts';
import { ClosedFiles } from './read-closed.ts';
import { ExpectedFiles } from './read-expected.ts';
import { readQueues } from './read-queues.ts';
import { UnsentFiles } from './read-unsent.ts';
import type { FunctionSwitch, SendingOff } from './sending-off.ts';
import { readSendingOff } from './sending-off.ts';
import { screenZone } from './screen-zone.ts';
import type { LiveApi, LiveQueue, Snapshot } from './snapshot.ts';

export interface SnapshotPorts extends Omit<ClosedPorts, 'ledger'> {
  ledger: ClosedPorts['ledger'] &
    Pick<FileLedger, 'listFiles' | 'eachFile'> &
    Pick<BatchLedger, 'listBatches'> &
    Pick<DeadLedger, 'listDead'> &
    Pick<NoticeLedger, 'recentNotices'> &
    Pick<DeskLedger, 'getStrays' | 'getExpected'>;
  limiterOf: (api: string) => Pick<LimiterStore, 'read' | 'readInForce'>;
  outputs: StackOutputs;
  /** Whether a function gets messages. */
  switchOf: (functionName: string) => Promise<FunctionSwitch>;
  /** SQS's count of a queue's messages. */
  count: (url: string) => Promise<number>;
  /** Why the stack's settings cannot be read at present, if that is so. */
  settingsTrouble: () => string | undefined;
  clock: Pick<Clock, 'now'>;
}

export interface SnapshotScope {
  stack: string;
  cloud: string;
  /** All deployed feeds: each may influence when a file will be done. */
  feeds: readonly string[];
  /** The feeds to show: one of them, or all. */
  only?: string | undefined;
  /** Files in progress that are described at most, in place of the default; the number of others is given. */
  shownFiles?: number;
}

const queuesEveryMs = 5_000;
const deadEveryMs = 10_000;
const straysEveryMs = 30_000;
const offEveryMs = 15_000;
const usuallyShown = 200;

/**
 * Reads snapshots of a stack. A snapshot takes a query per feed, a read per 100 open files, a read per API, and a query for
 * each of up to four files; queues and dead letters, which cost more, are read less often.
 */
export class SnapshotReader {
  readonly #scope: SnapshotScope;
  readonly #ports: SnapshotPorts;
  readonly #names: readonly string[];
  readonly #zone: string;
  readonly #apis: SharedApi[];
  readonly #progress: ProgressMeter;
  readonly #closed: ClosedFiles;
  readonly #queues: Cached<LiveQueue[]>;
  readonly #off: Cached<SendingOff[]>;
  readonly #dead: Cached<DeadRead[]>;
  readonly #unsent: UnsentFiles;
  readonly #strays: Cached<StrayNote[]>;
  readonly #expected: ExpectedFiles;
  #open: FileAccount[] = [];

  constructor(scope: SnapshotScope, ports: SnapshotPorts) {
    const { ledger, outputs } = ports;
    this.#scope = scope;
    this.#ports = ports;
    this.#names = scope.only === undefined ? scope.feeds : [scope.only];
    this.#zone = screenZone(this.#names, ports);
    this.#apis = sharedApis(scope.feeds, (feed) => outputs.api(feed));
    this.#progress = new ProgressMeter(ledger);
    this.#closed = new ClosedFiles(scope.feeds, ports);
    this.#queues = new Cached(queuesEveryMs, () => readQueues(this.#names, ports));
    this.#strays = new Cached(straysEveryMs, async () =>
      // Of all feeds: one of them looks after the whole bucket.
      (await Promise.all(scope.feeds.map((feed) => ledger.getStrays(feed)))).filter((note) => note !== undefined),
    );
    this.#off = new Cached(offEveryMs, () => readSendingOff(scope.feeds, ports));
    this.#unsent = new UnsentFiles(this.#names, ports);
    this.#expected = new ExpectedFiles(this.#names, ports);
    this.#dead = new Cached(deadEveryMs, () =>
      Promise.all(this.#names.map((feed) => readDead(feed, this.#open.filter(isOf(feed)), ledger))),
    );
  }

  async look(): Promise<Snapshot> {
    const { clock } = this.#ports;
    const sight = onceALook(this.#ports);
    const all = await Promise.all(
      this.#scope.feeds.map((feed) => sight.ledger.listFiles(feed, 'open', maxOpenFiles, 'oldest')),
    );
    const [open, closed] = await Promise.all([
      this.#progress.count(all.flat().sort(byService)),
      this.#closed.read(all.flat(), clock.now()),
    ]);
    const off = await this.#off.get(clock.now());
    const projections = withoutEnds(await projectFilesOf(withCounted(open, sight), clock), open, off);
    this.#open = open;
    const manifests = closed
      .flatMap((file) => (countFailed(file.settled) > 0 ? (file.manifest?.key ?? []) : []))
      .join(' ');
    const [apis, queues, unsent, strays, judged, reads] = await Promise.all([
      this.#readApis(open, closed, sight),
      this.#queues.get(clock.now()),
      this.#unsent.read(),
      this.#strays.get(clock.now()),
      this.#expected.read(open),
      // A file that was closed or amended has other dead letters than at the last read.
      this.#dead.get(clock.now(), manifests),
    ]);
    const now = clock.now();
    const dead = this.#countDead(reads, open, now);
    const described = this.#describeFiles(open, { projections, dead, now });
    const facts: Facts = {
      feeds: this.#names,
      ...described,
      expected: describeExpected(judged, described.files, { zone: this.#zone, now }),
      closed: withOpenDead(await this.#closed.describe(closed.filter((file) => this.#isShown(file))), dead),
      unsent,
      strays,
      apis,
      queues,
      dead,
      sendingOff: off.filter(({ feed }) => this.#names.includes(feed)),
      settingsTrouble: this.#ports.settingsTrouble(),
      zone: this.#zone,
      now,
    };
    return snapshotOf(this.#scope, facts);
  }

  #countDead(reads: readonly DeadRead[], open: readonly FileAccount[], now: number): DeadCount {
    const counts = reads.map((read, n) => {
      const feed = this.#names[n] ?? '';
      return countDead(feed, read, open.filter(isOf(feed)), now);
    });
    return {
      groups: counts.flatMap(({ groups }) => groups),
      isPartial: counts.some(({ isPartial }) => isPartial),
      byFile: new Map(counts.flatMap(({ byFile }) => [...byFile])),
    };
  }

  #describeFiles(
    open: readonly FileAccount[],
    { projections, dead, now }: { projections: Projections; dead: DeadCount; now: number },
  ): Pick<Facts, 'files' | 'openFiles' | 'projections'> {
    const mine = open.filter((file) => this.#isShown(file));
    return {
      files: mine.slice(0, this.#scope.shownFiles ?? usuallyShown).map((file) => {
        const projection = projections.of(file.fileId);
        const openDead = dead.byFile.get(file.fileId) ?? 0;
        return describeLive(file, { projection, openDead, zone: this.#zone, now });
      }),
      openFiles: mine.length,
      // When a file will be done that waits for its control file or for an earlier revision is not known.
      projections: mine
        .filter((file) => !isWaitingForControl(file) && !isWaitingForRevision(file))
        .map((file) => projections.of(file.fileId))
        .filter((one) => one !== undefined),
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
        const state = await readPolicy(limiterOf(api.id));
        return describeApi(api, state, this.#progress.perSecond(api.id), { zone: this.#zone, now });
      }),
    );
  }

  #isShown({ feed }: FileAccount): boolean {
    return this.#names.includes(feed);
  }
}

function snapshotOf({ stack, cloud }: SnapshotScope, facts: Facts): Snapshot {
  return {
    stack,
    cloud,
    at: new Date(facts.now).toISOString(),
    zone: facts.zone,
    headlines: headlinesOf(facts),
    files: [...facts.files],
    files_under_way: facts.openFiles,
    expected_files: [...facts.expected],
    closed: [...facts.closed],
    apis: [...facts.apis],
    queues: [...facts.queues],
    dead_letters: [...facts.dead.groups],
    dead_letters_are_partial: facts.dead.isPartial,
    redrive_outlooks: [...Map.groupBy(facts.dead.groups, ({ feed }) => feed)].map(([feed, groups]) => ({
      feed,
      sentences: outlookOf(groups),
    })),
  };
}

/** It is unknown when a file will be done whose lane is switched off. */
function withoutEnds(projections: Projections, open: readonly FileAccount[], off: readonly SendingOff[]): Projections {
  const isOff = (file: FileAccount | undefined): boolean =>
    off.some(({ feed, lane, part }) => part === 'consumer' && feed === file?.feed && lane === file.lane);
  const files = new Map(open.map((file) => [file.fileId, file]));
  return {
    ...projections,
    of: (fileId) => {
      const projection = projections.of(fileId);
      if (!projection || !isOff(files.get(fileId))) return projection;
      return { ...projection, doneAt: undefined, marginSeconds: undefined };
    },
  };
}

/** Shares a read between callers within one snapshot. */
function onceALook({ ledger, limiterOf, outputs }: Pick<SnapshotPorts, 'ledger' | 'limiterOf' | 'outputs'>) {
  const listFiles = once((...wish: Parameters<FileLedger['listFiles']>) => ledger.listFiles(...wish));
  const read = once((api: string) => limiterOf(api).read());
  const readInForce = once((api: string) => limiterOf(api).readInForce());
  const limiter = (api: string) => ({ read: () => read(api), readInForce: () => readInForce(api) });
  return { ledger: { listFiles }, limiterOf: limiter, outputs };
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

/** Projections start from the counts that are shown. */
function withCounted<P extends { ledger: Pick<FileLedger, 'listFiles'> }>(
  counted: readonly FileAccount[],
  ports: P,
): P {
  const listFiles: FileLedger['listFiles'] = (feed, which, ...wish) =>
    which === 'open' ? Promise.resolve(counted.filter(isOf(feed))) : ports.ledger.listFiles(feed, which, ...wish);
  return { ...ports, ledger: { listFiles } };
}

const isOf =
  (feed: string) =>
  (file: FileAccount): boolean =>
    file.feed === feed;
