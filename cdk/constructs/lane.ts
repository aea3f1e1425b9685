import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { apiIdOf } from '../api-id.ts';
import { maxMessageBytes } from '../aws-quotas.ts';
import { connectionsPerLetterConsumer, letterConsumers } from '../derive-feed.ts';
import { variableName } from '../feed-environment.ts';
import type { FeedSettings, LaneSettings, Settings } from '../settings.ts';
import { splitterLimits } from '../splitter-limits.ts';
import type { Archive } from './archive.ts';
import type { IntakeBucket } from './intake-bucket.ts';
import type { Ledger } from './ledger.ts';
import { ledgerKeys } from './ledger.ts';
import type { RecordLedger } from './record-ledger.ts';
import { RedrivenQueue } from './redriven-queue.ts';
import { SluiceFunction } from './sluice-function.ts';
import type { Network } from './static-egress.ts';
import type { TokenSecret } from './token-secret.ts';
import type { WorkBucket } from './work-bucket.ts';
import { consumeFrom, workerEnvironment } from './consume-from.ts';

/** Where the lane's records go. */
export interface LaneSink {
  token?: TokenSecret;
  recordLedger?: RecordLedger | undefined;
}

export interface LaneProps {
  settings: Settings;
  root: string;
  feed: FeedSettings;
  lane: LaneSettings;
  intake: IntakeBucket;
  archive: Archive;
  ledger: Ledger;
  work: WorkBucket;
  sink: LaneSink;
  finalizeQueue: Queue;
  /** The consumer's network, if it reaches the API through one of its own. */
  network: Network | undefined;
}

/** The most letters that a consumer gets in one invocation. */
const letterBatchSize = 10;

/** The size of a bundle (lambdas/core/records/bundle.ts). So many announcements are 4 MB; at 6 MB Lambda stops. */
const smallFilesTogether = 2000;

/**
 * How long Lambda gathers announcements of small files: what a bundle costs is shared by its files. Each of Lambda's pollers
 * gathers its own.
 */
const gatherFilesSeconds = { main: 20, express: 1 };

/** How long Lambda gathers letters for an invocation. For more than ten messages it requires at least 1 s. */
const gatherLettersSeconds = { main: 5, express: 1 };

/** Deployed with the consumer's code: a function's environment (4 KB in total) has room for two certificates only. */
const caFile = 'api-ca.pem';

/** intake queue → splitter → records queue → consumer, with the consumer's letters on their way to the DLQ. */
export class Lane extends Construct {
  readonly settings: LaneSettings;
  readonly intake: RedrivenQueue;
  readonly splitter: SluiceFunction;
  readonly records: RedrivenQueue;
  readonly letters: RedrivenQueue;
  readonly consumer: SluiceFunction;

  constructor(scope: Construct, id: string, props: LaneProps) {
    super(scope, id);
    this.settings = props.lane;
    const { settings, lane } = props;
    const { queues, splitter, consumer } = settings;
    const queue = (what: 'intake' | 'records' | 'letters', timeoutSeconds: number, maxBytes: number) =>
      new RedrivenQueue(this, what, {
        settings,
        name: `${settings.stackName}-${lane.id}-${what}`,
        // The feed's dead letters end here: it is the DLQ that people work with.
        dlqName:
          what === 'letters' ? `${settings.stackName}-${lane.id}-dlq` : `${settings.stackName}-${lane.id}-${what}-dlq`,
        timeoutSeconds,
        maxReceives: queues.maxReceives[what],
        maxMessageBytes: maxBytes,
      });
    this.intake = queue('intake', splitter.timeoutSeconds, queues.maxMessageBytes);
    // Small files and revisions have larger batches; one may be in progress when its feed no longer has a series.
    this.records = queue('records', consumer.timeoutSeconds, maxMessageBytes);
    // A raw payload of 64 KiB can take six times that once JSON has escaped it.
    this.letters = queue('letters', consumer.timeoutSeconds, maxMessageBytes);

    props.intake.announce(lane.keyPrefix, this.intake.queue);
    this.splitter = this.#createSplitter(props);
    this.consumer = this.#createConsumer(props);
  }

  #createSplitter({
    settings,
    root,
    feed,
    lane,
    intake,
    ledger,
    work,
    archive,
    finalizeQueue,
  }: LaneProps): SluiceFunction {
    const { timeoutSeconds, memoryMb } = settings.splitter;
    const { gzip, horizon } = splitterLimits(settings, feed.api, lane);
    const splitter = new SluiceFunction(this, 'Splitter', {
      settings,
      root,
      folder: 'splitter',
      functionName: `${settings.stackName}-${lane.id}-splitter`,
      description: `Cuts the files of ${lane.keyPrefix} into batches.`,
      timeoutSeconds,
      memoryMb,
      queuesToItself: true,
      environment: {
        ...commonEnvironment(settings, feed, lane, ledger, finalizeQueue),
        INTAKE_QUEUE_URL: this.intake.queue.queueUrl,
        RECORDS_QUEUE_URL: this.records.queue.queueUrl,
        CUT_LIMITS: JSON.stringify(lane.cutLimits),
        GZIP_LIMITS: JSON.stringify(gzip),
        HORIZON: JSON.stringify(horizon),
        ...seriesEnvironment(feed, lane),
        ...(feed.control ? { CONTROL: JSON.stringify({ ...feed.control, keyPrefix: lane.keyPrefix }) } : {}),
        ...(feed.series === undefined && !feed.control ? {} : { ARCHIVE_BUCKET: archive.bucket.bucketName }),
        ...(feed.smallFiles ? { WORK_BUCKET: work.bucket.bucketName } : {}),
      },
    });
    // One file per invocation, so that each has all of the function's time. Small files are bundled, many per invocation.
    const together = { batchSize: smallFilesTogether, windowSeconds: gatherFilesSeconds[lane.name] };
    consumeFrom(splitter, this.intake.queue, {
      ...(feed.smallFiles ? together : { batchSize: 1 }),
      maxConcurrency: lane.splitters,
    });
    if (feed.smallFiles) work.grantBundles(splitter, feed.name);
    intake.grantRead(splitter, lane.keyPrefix);
    ledger.grant(splitter, [ledgerKeys.files(feed.name)], 'GetItem', 'UpdateItem', 'Query');
    ledger.grant(splitter, [ledgerKeys.checksums(feed.name)], 'GetItem', 'UpdateItem');
    if (hasSeries(feed)) ledger.grant(splitter, [ledgerKeys.series(feed.name)], 'GetItem', 'UpdateItem');
    // Only what changed is sent, so the evidence of earlier revisions is read.
    if (feed.series !== undefined) {
      archive.grantCompare(splitter, feed.name);
      // A revision is compared with the content of one in progress, which may have come through the other lane.
      for (const each of feed.lanes) if (each !== lane) intake.grantRead(splitter, each.keyPrefix);
    }
    if (feed.control) {
      ledger.grant(splitter, [ledgerKeys.controls(feed.name)], 'GetItem', 'UpdateItem');
      // A file's control file may be dropped in another lane.
      for (const each of feed.lanes) if (each !== lane) intake.grantRead(splitter, each.keyPrefix);
      archive.grantAddDifferences(splitter, feed.name);
    }
    splitter.maySendTo(this.intake.queue, this.records.queue, finalizeQueue);
    return splitter;
  }

  #createConsumer({
    settings,
    root,
    feed,
    lane,
    ledger,
    work,
    sink,
    finalizeQueue,
    network,
  }: LaneProps): SluiceFunction {
    const { url, requests, windowSeconds, isPaced, calendar, proxyUrl, caCertificates } = feed.api;
    const api = {
      id: apiIdOf(feed),
      ...(url === undefined ? {} : { url }),
      requests,
      windowSeconds,
      isPaced,
      ...(calendar === undefined ? {} : { calendar }),
      connectionsPerConsumer: lane.connectionsPerConsumer,
      connectionsPerLetterConsumer,
      ...(proxyUrl === undefined ? {} : { proxyUrl }),
      ...(caCertificates === undefined ? {} : { caFile }),
    };
    const consumer = new SluiceFunction(this, 'Consumer', {
      settings,
      root,
      folder: 'consumer',
      functionName: `${settings.stackName}-${lane.id}-consumer`,
      description: `Delivers the batches and letters of ${lane.keyPrefix} to ${url === undefined ? 'the record ledger' : 'the API'}.`,
      timeoutSeconds: settings.consumer.timeoutSeconds,
      memoryMb: lane.consumerMemoryMb,
      network: url === undefined ? undefined : network,
      queuesToItself: true,
      logRetentionDays: feed.logRetentionDays,
      files: caCertificates === undefined ? {} : { [caFile]: caCertificates },
      environment: {
        ...commonEnvironment(settings, feed, lane, ledger, finalizeQueue),
        RECORDS_QUEUE_URL: this.records.queue.queueUrl,
        LETTERS_QUEUE_URL: this.letters.queue.queueUrl,
        LETTERS_QUEUE_ARN: this.letters.queue.queueArn,
        WORK_BUCKET: work.bucket.bucketName,
        API: JSON.stringify(api),
        ...(sink.token ? { TOKEN_SECRET_ARN: sink.token.arn } : {}),
        ...(sink.recordLedger ? { RECORD_LEDGER_TABLE: sink.recordLedger.table.tableName } : {}),
      },
    });
    // One message is already a batch of hundreds of records.
    consumeFrom(consumer, this.records.queue, { batchSize: 1, maxConcurrency: lane.consumers });
    consumeFrom(consumer, this.letters.queue, {
      ...{ batchSize: letterBatchSize, maxConcurrency: letterConsumers },
      // Gathered letters need fewer requests to SQS, and no one needs a letter within seconds.
      windowSeconds: gatherLettersSeconds[lane.name],
    });
    const { files, limiter, altered } = ledgerKeys;
    ledger.grant(consumer, [files(feed.name), limiter(apiIdOf(feed)), altered(feed.name)], 'GetItem', 'UpdateItem');
    work.grantPutReceipts(consumer, feed.name);
    work.grantPayloads(consumer, feed.name);
    sink.token?.grantRead(consumer);
    sink.recordLedger?.grantPut(consumer, feed.name);
    consumer.maySendTo(this.records.queue, this.letters.queue, finalizeQueue);
    consumer.mayPublish();
    return consumer;
  }
}

/** The record ledger stores a record once, however often it comes; small files are records of their own. */
const hasSeries = ({ api, smallFiles }: FeedSettings): boolean => api.url !== undefined && !smallFiles;

function seriesEnvironment(feed: FeedSettings, { keyPrefix }: LaneSettings): Record<string, string> {
  if (!hasSeries(feed)) return {};
  const series = {
    pattern: feed.series ?? '{file}',
    isConfigured: feed.series !== undefined,
    setting: variableName(feed.name, 'series'),
    keyPrefix,
    rules: feed.revisionRules,
  };
  return { SERIES: JSON.stringify(series) };
}

function commonEnvironment(
  settings: Settings,
  feed: FeedSettings,
  lane: LaneSettings,
  ledger: Ledger,
  finalizeQueue: Queue,
) {
  return {
    ...workerEnvironment(settings),
    SLUICE_FEED: feed.name,
    SLUICE_LANE: lane.name,
    ...(Object.keys(feed.options).length === 0 ? {} : { FEED_OPTIONS: JSON.stringify(feed.options) }),
    LEDGER_TABLE: ledger.table.tableName,
    FINALIZE_QUEUE_URL: finalizeQueue.queueUrl,
  };
}
