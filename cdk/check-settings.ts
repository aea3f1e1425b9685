import { apiIdOf } from './api-id.ts';
import { parseDeadline } from './deadline.ts';
import {
  accountLength,
  maxBucketNameLength,
  maxFunctionNameLength,
  maxFunctionSeconds,
  maxMappingConcurrency,
  maxMessageBytes,
  maxQueueRetentionDays,
  maxRegionLength,
  maxResources,
  maxVisibilitySeconds,
  minMappingConcurrency,
  minReceives,
  minVisibilityFactor,
} from './aws-quotas.ts';
import { connectionsPerLetterConsumer, defaultGuard, letterConsumers } from './derive-feed.ts';
import { variableName } from './feed-environment.ts';
import { expectedFaults } from './expected-files.ts';
import { calendarFaults } from './limit-calendar.ts';
import { SettingNames } from './setting-names.ts';
import type { FeedSettings, LaneSettings, Settings } from './settings.ts';
import { SettingsError } from './settings-error.ts';
import { largestGzipContent } from './splitter-limits.ts';
import { resourcesOf } from './stack-size.ts';
import { stages } from './stages/index.ts';

/** A batch's message beside its body: ids, numbers, JSON's own characters. Bytes. */
const envelopeBytes = 4 * 1024;

/** More of a revision: what becomes of each record, and lists of earlier versions (lambdas/core/series/revision-limits.ts). Bytes. */
const plansBytes = 72 * 1024;

/** First parts of keys that all feeds share: a feed of that name would reach into other feeds' folders. */
const takenNames = ['express', 'quarantine', 'reconciliation', 'series', 'nights'];
/** If a feed's name ended with one of these, its queues could have the names of another feed's queues. */
const takenEndings = ['express', 'intake', 'records', 'letters', 'finalize'].map((part) => `-${part}`);

/** The ledger keeps an account for this long after its last event (lambdas/core/ledger/stored-item.ts). */
const ledgerDays = 60;

/** A killed function's message is visible again 65 s after its time was up. Asking a moment sooner does no harm. */
const recoverySeconds = 60;

/** As many records as the API accepts in a day: it may be down for most of the 14 days that SQS keeps a message. */
const maxHorizonSeconds = 24 * 3600;

/** Longest name of an intake bucket less what follows the stack's name: `-intake-<account>-<region>`. */
export const maxStackNameLength = maxBucketNameLength - '-intake-'.length - accountLength - 1 - maxRegionLength;

/**
 * @param names under which the settings were given
 * @throws SettingsError with a sentence for every setting that does not fit the others or AWS's quotas
 */
export function checkSettings(settings: Settings, names = new SettingNames({}, {})): void {
  const faults = [
    ...nameFaults(settings),
    ...functionFaults(settings),
    ...splitterFaults(settings),
    ...queueFaults(settings),
    ...quotaFaults(settings, names),
    ...sizeFaults(settings, names),
    ...securityFaults(settings, names),
    ...egressFaults(settings, names),
    ...settings.feeds.flatMap((feed) => [
      ...apiFaults(feed, settings, names),
      ...deadlineFaults(feed, names),
      ...calendarFaults(feed, settings.feeds),
      ...expectedFaults(names.ofFeed(feed.name, 'expected'), feed),
      ...seriesFaults(feed, names),
      ...controlFaults(feed, names),
      ...connectionFaults(feed, names),
      ...feed.lanes.flatMap((lane) => [...laneFaults(lane, feed, settings, names)]),
    ]),
  ];
  if (faults.length > 0) throw new SettingsError(faults);
}

function* nameFaults({ stackName, feeds }: Settings): Generator<string> {
  const names = feeds.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) yield `Two feeds are called '${twice}'; feeds/index.ts must have each name once.`;
  if (!/^[a-z][a-z0-9-]*$/.test(stackName) || stackName.length > maxStackNameLength) {
    yield (
      `stack is '${stackName}'; bucket names are made from it, so it must begin with a lower-case letter, contain ` +
      `only lower-case letters, digits and dashes, and have at most ${maxStackNameLength} characters.`
    );
  }
  for (const { name } of feeds) {
    const isTaken = takenNames.includes(name);
    const isAmbiguous = takenEndings.some((ending) => name.endsWith(ending));
    if (!/^[a-z][a-z0-9-]*$/.test(name) || isTaken || isAmbiguous) {
      yield (
        `The feed '${name}' must begin with a lower-case letter, contain only lower-case letters, digits and dashes, ` +
        `not be called ${takenNames.join(', ')}, nor end with ${takenEndings.join(', ')}.`
      );
    }
  }
  const lanes = feeds.flatMap((feed) => feed.lanes);
  const functions = [
    ...lanes.map(({ id }) => `${stackName}-${id}-splitter`),
    ...names.map((name) => `${stackName}-${name}-reconciler`),
  ];
  for (const name of functions.filter(({ length }) => length > maxFunctionNameLength)) {
    yield (
      `The function's name '${name}' has ${name.length} characters; Lambda allows ${maxFunctionNameLength}, ` +
      `so the stack's or the feed's name must be shorter.`
    );
  }
  for (const lane of lanes) {
    if (lanes.some((other) => other !== lane && other.keyPrefix.startsWith(lane.keyPrefix))) {
      yield `keyPrefix '${lane.keyPrefix}' is also the beginning of another lane's prefix; S3 refuses overlapping notifications.`;
    }
  }
}

function* functionFaults(settings: Settings): Generator<string> {
  const { splitter, consumer, finalizer, reconciler, queues } = settings;
  const seconds = { splitter, consumer, finalizer, reconciler };
  for (const [name, { timeoutSeconds }] of Object.entries(seconds)) {
    if (timeoutSeconds > maxFunctionSeconds) {
      yield `${name}.timeoutSeconds is ${timeoutSeconds}; a Lambda function runs at most ${maxFunctionSeconds} s.`;
    }
    const visibility = timeoutSeconds * queues.visibilityFactor;
    if (visibility > maxVisibilitySeconds) {
      yield (
        `queues.visibilityFactor is ${queues.visibilityFactor}; with ${name}.timeoutSeconds ${timeoutSeconds} the ` +
        `visibility timeout would be ${visibility} s, and SQS allows at most ${maxVisibilitySeconds} s.`
      );
    }
  }
  yield* concurrencyFaults('finalizer.concurrency', finalizer.concurrency);
  const needed = Math.max(splitter.timeoutSeconds, consumer.timeoutSeconds) + recoverySeconds;
  if (reconciler.stalledAfterSeconds < needed) {
    yield (
      `reconciler.stalledAfterSeconds is ${reconciler.stalledAfterSeconds}; a killed function's message comes back ` +
      `within ${needed} s, so it must be at least ${needed}.`
    );
  }
}

function* splitterFaults({ splitter, horizonSeconds }: Settings): Generator<string> {
  const { timeoutSeconds, gzip } = splitter;
  const largest = largestGzipContent(timeoutSeconds);
  if (gzip.maxContentBytes > largest) {
    yield (
      `splitter.gzip.maxContentBytes is ${gzip.maxContentBytes}; a quarter of splitter.timeoutSeconds ` +
      `${timeoutSeconds} is enough for at most ${largest}.`
    );
  }
  // A file that is held back continues when half of the horizon is left: a splitter that is killed then must be replaced
  // before the queue is empty.
  const needed = 2 * (timeoutSeconds + recoverySeconds);
  if (horizonSeconds < needed || horizonSeconds > maxHorizonSeconds) {
    yield (
      `horizonSeconds is ${horizonSeconds}; it must be at least ${needed}, twice the time until a killed splitter is ` +
      `replaced, and at most ${maxHorizonSeconds}, since a message is lost after ${maxQueueRetentionDays} days.`
    );
  }
}

function* concurrencyFaults(setting: string, concurrency: number): Generator<string> {
  if (concurrency >= minMappingConcurrency && concurrency <= maxMappingConcurrency) return;
  yield `${setting} is ${concurrency}; an SQS event source mapping allows ${minMappingConcurrency} to ${maxMappingConcurrency}.`;
}

function* queueFaults({ queues, workRetentionDays, intakeVersionDays }: Settings): Generator<string> {
  if (queues.visibilityFactor < minVisibilityFactor) {
    yield (
      `queues.visibilityFactor is ${queues.visibilityFactor}; a queue's visibility timeout must be ` +
      `at least ${minVisibilityFactor} times its function's timeout.`
    );
  }
  if (queues.retentionDays !== maxQueueRetentionDays) {
    yield (
      `queues.retentionDays is ${queues.retentionDays}; it must be ${maxQueueRetentionDays}, the longest SQS keeps a ` +
      `message: dead letters count from their first send.`
    );
  }
  for (const name of ['intake', 'records', 'finalize'] as const) {
    const receives = queues.maxReceives[name];
    if (receives < minReceives) {
      yield `queues.maxReceives.${name} is ${receives}; below ${minReceives} throttling alone sends messages to the DLQ.`;
    }
  }
  if (queues.maxReceives.letters < 2) {
    yield (
      `queues.maxReceives.letters is ${queues.maxReceives.letters}; a redriven letter must be received at least 2 times, ` +
      `or one killed consumer would use up its only try.`
    );
  }
  if (queues.maxMessageBytes > maxMessageBytes) {
    yield `queues.maxMessageBytes is ${queues.maxMessageBytes}; SQS allows at most ${maxMessageBytes}.`;
  }
  for (const [name, days] of Object.entries({ workRetentionDays, intakeVersionDays })) {
    if (days >= ledgerDays) continue;
    yield (
      `${name} is ${days}; files are accounted for up to ${ledgerDays} days after their last event, so it must be ` +
      `${ledgerDays} or more.`
    );
  }
}

/** Functions that may run at once: each mapping's cap, and a reconciler for each feed. */
export function functionsAtOnce({ finalizer, feeds }: Pick<Settings, 'finalizer' | 'feeds'>): number {
  const lanes = feeds.flatMap((feed) => feed.lanes);
  const ofLanes = lanes.map((lane) => lane.splitters + lane.consumers + letterConsumers);
  return ofLanes.reduce((sum, each) => sum + each, feeds.length * (finalizer.concurrency + 1));
}

function* quotaFaults(settings: Settings, names: SettingNames): Generator<string> {
  const { functionQuota, feeds } = settings;
  const needed = functionsAtOnce(settings);
  if (needed <= functionQuota) return;
  const withExpress = feeds.filter((feed) => feed.lanes.some((lane) => lane.name === 'express'));
  const wishes = withExpress.map(({ name }) => `${variableName(name, 'expressLane')}=off`);
  // Beyond the quota Lambda does not run the function, although its message was received: the message waits for its
  // visibility timeout.
  yield (
    `${names.ofStage('SLUICE_FUNCTION_QUOTA', 'functionQuota')} is ${functionQuota}; up to ${needed} functions run at once. Raise the AWS account's quota of ` +
    `concurrent executions, or set ${[...wishes, 'fewer consumers', 'a lower splitter.concurrency'].join(', ')}.`
  );
}

/** A stack that is too large would fail at its deploy; the CDK's own check ends with a stack trace. */
function* sizeFaults(settings: Settings, names: SettingNames): Generator<string> {
  const needed = resourcesOf(settings);
  if (needed <= maxResources) return;
  const { feeds } = settings;
  yield (
    `${names.ofStage('SLUICE_FEEDS', 'deployedFeeds')} has ${feeds.length} feeds with ${feeds.flatMap(({ lanes }) => lanes).length} lanes; that makes up to ` +
    `${needed} resources, and CloudFormation allows ${maxResources} in a stack. Deploy fewer feeds in one stack, or set ` +
    `EXPRESS_LANE=off for some of them. Keep feeds that share an API in one stack, since they share its limit.`
  );
}

function* securityFaults({ stage, retainData, archiveLock }: Settings, names: SettingNames): Generator<string> {
  if (archiveLock === 'compliance' && !retainData) {
    yield (
      `${names.ofStage('SLUICE_ARCHIVE_LOCK', 'archiveLock')} is compliance; the stage ${stage} does not retain its data (retainData), and locked objects ` +
      `could not be deleted: use compliance in a stage that does, or use governance.`
    );
  }
}

function* egressFaults({ egress, localCloud, feeds }: Settings, names: SettingNames): Generator<string> {
  if (egress.kind === 'lambda') return;
  const setting = names.ofStage('SLUICE_EGRESS', 'egress');
  if (localCloud) {
    yield `${setting} is ${egress.kind}; a local cloud has no networks: leave it unset, or lambda.`;
  }
  if (feeds.every(({ api }) => api.url === undefined)) {
    yield `${setting} is ${egress.kind}; none of the stack's feeds sends to an API: leave it unset, or lambda.`;
  }
}

function* connectionFaults({ name, api, lanes }: FeedSettings, names: SettingNames): Generator<string> {
  const letters = lanes.length * letterConsumers * connectionsPerLetterConsumer;
  const batches = lanes.reduce((sum, lane) => sum + lane.consumers * lane.connectionsPerConsumer, 0);
  if (lanes.every((lane) => lane.connectionsPerConsumer >= 1) && batches + letters <= api.connections) return;
  const others = lanes.length > 1 ? `${variableName(name, 'expressLane')}=off, or fewer consumers` : 'fewer consumers';
  yield (
    `${names.ofFeed(name, 'connections')} is ${api.connections}; ${api.consumers} consumers of batches ` +
    `(${names.ofFeed(name, 'consumers')}) and ${letters} of letters, in ${lanes.map((lane) => lane.name).join(' and ')} ` +
    `lane, need a connection each: set at least ${api.consumers + letters}, or ${others}.`
  );
}

function* apiFaults(feed: FeedSettings, settings: Settings, names: SettingNames): Generator<string> {
  const { name, api } = feed;
  if (api.url === undefined) return;
  // Not shown: it may contain a password.
  const url = new URL(api.url);
  const setting = names.ofFeed(name, 'apiUrl');
  if (url.username || url.password || url.search || url.hash) {
    yield (
      `${setting} contains a user, a query or a fragment; it must be a plain base URL, since the template shows ` +
      `it (the token is in Secrets Manager).`
    );
  }
  const ofProd = stages.prod.feeds[name]?.apiUrl;
  if (settings.stage !== 'prod' && ofProd !== undefined && apiIdOf({ name, api: { url: ofProd } }) === apiIdOf(feed)) {
    yield (
      `${setting} is the API of the stage prod; the stage ${settings.stage} must have one of its own, since every record ` +
      `that is sent there is real.`
    );
  }
  if (settings.requireHttps && url.protocol !== 'https:') {
    yield (
      `${setting} begins with ${url.protocol}//; in stage ${settings.stage} it must begin with https://, since the ` +
      `token is sent with every request.`
    );
  }
  const sharing = settings.feeds.find(
    (other) =>
      other.name !== name &&
      apiIdOf(other) === apiIdOf(feed) &&
      (other.api.requests !== api.requests ||
        other.api.windowSeconds !== api.windowSeconds ||
        other.api.isPaced !== api.isPaced),
  );
  if (sharing) {
    yield (
      `${names.ofFeed(name, 'requests')} is ${api.requests} in ${api.windowSeconds} s, that of the feed '${sharing.name}' ` +
      `${sharing.api.requests} in ${sharing.api.windowSeconds} s; both use one API and share its limit, so it must be the same.`
    );
  }
  yield* proxyFaults(names.ofFeed(name, 'proxyUrl'), api.proxyUrl);
}

function* deadlineFaults({ name, deadline }: FeedSettings, names: SettingNames): Generator<string> {
  if (deadline === undefined || parseDeadline(deadline)) return;
  yield `${names.ofFeed(name, 'deadline')} is '${deadline}'; it must be a time of day and a time zone, such as 05:00 America/New_York.`;
}

function* seriesFaults(
  { name, series, smallFiles, api, lanes, revisionRules: { changedRecords, guard } }: FeedSettings,
  names: SettingNames,
): Generator<string> {
  const setting = names.ofFeed(name, 'series');
  if (series === undefined) {
    const alone = `no file is a revision of another without ${setting}: set that as well, or neither.`;
    if (changedRecords !== undefined)
      yield `${names.ofFeed(name, 'changedRecords')} is '${changedRecords}', and ${alone}`;
    if (guard !== defaultGuard) yield `${names.ofFeed(name, 'revisionGuard')} is ${guard}, and ${alone}`;
    return;
  }
  if (smallFiles) {
    yield `${setting} is set; the feed takes small files many at a time, and none of them is a revision of another: leave it unset.`;
  } else if (api.url === undefined) {
    yield `${setting} is set; the feed's records go into the record ledger, which stores each of them once: leave it unset.`;
  }
  const folder = lanes.map(({ keyPrefix }) => keyPrefix).find((prefix) => series.startsWith(prefix));
  if (folder !== undefined) {
    yield (
      `${setting} is '${series}', and no name of a file matches it: it begins with the folder ${folder}, after which names ` +
      `begin. Write '${series.slice(folder.length)}'.`
    );
  }
}

function* controlFaults({ name, control, smallFiles }: FeedSettings, names: SettingNames): Generator<string> {
  if (control === undefined || !smallFiles) return;
  yield `${names.ofFeed(name, 'control')} is set; the feed takes small files many at a time, each without a file beside it: leave it unset.`;
}

function* proxyFaults(setting: string, proxyUrl: string | undefined): Generator<string> {
  if (proxyUrl === undefined) return;
  const { username, password, pathname, search, hash } = new URL(proxyUrl);
  if (!username && !password && pathname === '/' && !search && !hash) return;
  // Not shown: it may contain a password.
  yield (
    `${setting} contains a user, a path, a query or a fragment; it must be only scheme, host ` +
    `and port, since the template shows it. A proxy with a password is not supported: let it recognise the ` +
    `functions by their address.`
  );
}

function* laneFaults(
  lane: LaneSettings,
  { name, api, series }: FeedSettings,
  settings: Settings,
  names: SettingNames,
): Generator<string> {
  const { maxBatchRecords, maxBatchBytes, maxRecordBytes } = lane.cutLimits;
  yield* concurrencyFaults(names.ofFeed(name, 'consumers'), lane.consumers);
  yield* concurrencyFaults('splitter.concurrency', lane.splitters);
  if (maxRecordBytes > maxBatchBytes) {
    yield `maxRecordBytes of the feed '${name}' is ${maxRecordBytes}; a record must fit into a batch: at most ${maxBatchBytes}.`;
  }
  const largest = Math.min(lane.maxMessageBytes, maxMessageBytes - (series === undefined ? 0 : plansBytes));
  const fitsMessage = Math.floor(((largest - envelopeBytes) * 3) / 4);
  if (maxBatchBytes > fitsMessage) {
    yield (
      `A batch of the feed '${name}' has up to ${maxBatchBytes} bytes; as base64, with ${envelopeBytes} bytes around it, ` +
      `a message of ${largest} bytes holds ${fitsMessage}: queues.maxBatchBytes must be smaller.`
    );
  }
  const { consumers } = api;
  const halfTime = settings.consumer.timeoutSeconds / 2;
  const rate = api.requests / api.windowSeconds;
  if ((maxBatchRecords * consumers) / rate > halfTime) {
    const fits = Math.ceil((maxBatchRecords * consumers * api.windowSeconds) / halfTime);
    yield (
      `${names.ofFeed(name, 'requests')} is ${api.requests} in ${api.windowSeconds} s; ${consumers} consumers with ` +
      `batches of ${maxBatchRecords} would take longer than half of a consumer's time (${halfTime} s): it must be ` +
      `${fits} or more in that window, or use fewer consumers or smaller batches.`
    );
  }
}
