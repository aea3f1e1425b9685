import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { parseDeadline } from '../deadline.ts';
import { apiIdOf } from '../api-id.ts';
import type { FeedSettings, Settings } from '../settings.ts';
import type { Archive } from './archive.ts';
import type { Desk } from './desk.ts';
import type { IntakeBucket } from './intake-bucket.ts';
import type { Lane } from './lane.ts';
import type { Ledger } from './ledger.ts';
import { ledgerKeys } from './ledger.ts';
import { RedrivenQueue } from './redriven-queue.ts';
import type { SigningKey } from './signing-key.ts';
import { SluiceFunction } from './sluice-function.ts';
import type { WorkBucket } from './work-bucket.ts';
import { consumeFrom, workerEnvironment } from './consume-from.ts';

export interface FinalizerProps {
  settings: Settings;
  root: string;
  feed: FeedSettings;
  ledger: Ledger;
  intake: IntakeBucket;
  work: WorkBucket;
  archive: Archive;
  desk: Desk;
  signingKey: SigningKey | undefined;
}

/** Closes the accounts of a feed's files: its queue, its DLQ and its function. */
export class Finalizer extends Construct {
  readonly redriven: RedrivenQueue;
  readonly function: SluiceFunction;

  constructor(scope: Construct, id: string, props: FinalizerProps) {
    super(scope, id);
    const { settings, root, feed, ledger, intake, work, archive, desk, signingKey } = props;
    const { timeoutSeconds, memoryMb, concurrency } = settings.finalizer;
    this.redriven = new RedrivenQueue(this, 'finalize', {
      settings,
      name: `${settings.stackName}-${feed.name}-finalize`,
      dlqName: `${settings.stackName}-${feed.name}-finalize-dlq`,
      timeoutSeconds,
      maxReceives: settings.queues.maxReceives.finalize,
      maxMessageBytes: settings.queues.maxMessageBytes,
    });
    const { queue } = this.redriven;
    this.function = new SluiceFunction(this, 'Function', {
      settings,
      root,
      folder: 'finalizer',
      functionName: `${settings.stackName}-${feed.name}-finalizer`,
      description: `Writes source, receipts and manifest of a settled file of ${feed.name} to the archive, and the night log.`,
      timeoutSeconds,
      memoryMb,
      queuesToItself: true,
      environment: {
        ...workerEnvironment(settings),
        LEDGER_TABLE: ledger.table.tableName,
        FINALIZE_QUEUE_URL: queue.queueUrl,
        WORK_BUCKET: work.bucket.bucketName,
        ARCHIVE_BUCKET: archive.bucket.bucketName,
        DESK_TOPIC_ARN: desk.topic.topicArn,
        FEED: JSON.stringify(reportedFeed(feed)),
        ...(signingKey ? { SIGNING_KEY_ARN: signingKey.arn } : {}),
      },
    });
    consumeFrom(this.function, queue, { batchSize: 1, maxConcurrency: concurrency });
    ledger.grant(this.function, [ledgerKeys.files(feed.name)], 'GetItem', 'UpdateItem', 'Query');
    // Lists a night's files.
    ledger.grantList(this.function, [feed.name]);
    // Quotes what was decided about the feed's limit.
    ledger.grant(this.function, [ledgerKeys.limiter(apiIdOf(feed))], 'Query');
    // Keeps how files ended, for the feed's desk.
    ledger.grant(this.function, [ledgerKeys.desk(feed.name)], 'GetItem', 'Query', 'UpdateItem');
    work.grantGetReceipts(this.function, feed.name);
    work.grantClosing(this.function, feed.name);
    if (feed.smallFiles) work.grantCopyBundles(this.function, feed.name);
    archive.grantAdd(this.function, feed.name);
    for (const lane of feed.lanes) intake.grantCopy(this.function, lane.keyPrefix);
    this.function.maySendTo(queue);
    signingKey?.grantSign(this.function);
    desk.grantTell(this.function);
    this.function.mayPublish();
  }

  /** Has the files that wait for an earlier revision woken when that is closed, in whichever lane they are. */
  wakes(lanes: readonly Lane[], feed: FeedSettings, ledger: Ledger): void {
    if (feed.series === undefined) return;
    const queues = lanes.map(({ settings: { name }, intake: { queue } }) => ({ name, queue }));
    const urls = Object.fromEntries(queues.map(({ name, queue }) => [name, queue.queueUrl]));
    this.function.addEnvironment('INTAKE_QUEUES', JSON.stringify(urls));
    this.function.maySendTo(...queues.map(({ queue }) => queue));
    ledger.grant(this.function, [ledgerKeys.series(feed.name)], 'GetItem');
  }

  get queue(): Queue {
    return this.redriven.queue;
  }

  get dlq(): Queue {
    return this.redriven.dlq;
  }
}

/** What a file's report shows beside its account. */
function reportedFeed(feed: FeedSettings) {
  const { name, api, deadline } = feed;
  return {
    ...{ feed: name, api: apiIdOf(feed) },
    sink: api.url === undefined ? 'ledger' : 'http',
    ...(api.isPaced ? { limit: { requests: api.requests, windowSeconds: api.windowSeconds } } : {}),
    ...(deadline === undefined ? {} : { deadline: parseDeadline(deadline) }),
  };
}
