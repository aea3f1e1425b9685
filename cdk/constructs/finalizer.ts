import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { parseDeadline } from '../deadline.ts';
import type { FeedSettings, Settings } from '../settings.ts';
import type { Archive } from './archive.ts';
import type { Desk } from './desk.ts';
import type { IntakeBucket } from './intake-bucket.ts';
import type { Ledger } from './ledger.ts';
import { RedrivenQueue } from './redriven-queue.ts';
import { SigningKey } from './signing-key.ts';
import { SluiceFunction } from './sluice-function.ts';
import type { WorkBucket } from './work-bucket.ts';
import { workOff } from './work-off.ts';

export interface FinalizerProps {
  settings: Settings;
  root: string;
  ledger: Ledger;
  intake: IntakeBucket;
  work: WorkBucket;
  archive: Archive;
  desk: Desk;
}

/** Closes the files' accounts. One for all feeds: it only reads, copies and adds up. */
export class Finalizer extends Construct {
  readonly queue: Queue;
  readonly dlq: Queue;
  readonly function: SluiceFunction;

  constructor(scope: Construct, id: string, { settings, root, ledger, intake, work, archive, desk }: FinalizerProps) {
    super(scope, id);
    const { timeoutSeconds, memoryMb, concurrency } = settings.finalizer;
    const signingKey = settings.signingKey === 'none' ? undefined : new SigningKey(this, 'SigningKey', { settings });
    const { queue, dlq } = new RedrivenQueue(this, 'finalize', {
      settings,
      name: `${settings.stackName}-finalize`,
      dlqName: `${settings.stackName}-finalize-dlq`,
      timeoutSeconds,
      maxReceives: settings.queues.maxReceives.finalize,
      maxMessageBytes: settings.queues.maxMessageBytes,
    });
    this.queue = queue;
    this.dlq = dlq;
    this.function = new SluiceFunction(this, 'Function', {
      settings,
      root,
      folder: 'finalizer',
      functionName: `${settings.stackName}-finalizer`,
      description: 'Writes source, receipts and manifest of a settled file into the archive.',
      timeoutSeconds,
      memoryMb,
      queuesToItself: true,
      environment: {
        LEDGER_TABLE: ledger.table.tableName,
        FINALIZE_QUEUE_URL: queue.queueUrl,
        WORK_BUCKET: work.bucket.bucketName,
        ARCHIVE_BUCKET: archive.bucket.bucketName,
        DESK_TOPIC_ARN: desk.topic.topicArn,
        FEEDS: JSON.stringify(settings.feeds.map(reportedFeed)),
        ...(signingKey ? { SIGNING_KEY_ARN: signingKey.arn } : {}),
      },
    });
    workOff(this.function, queue, { batchSize: 1, maxConcurrency: concurrency });
    ledger.grant(this.function, 'GetItem', 'UpdateItem', 'Query');
    work.grantGetReceipts(this.function);
    if (settings.feeds.some((feed) => feed.smallFiles)) work.grantCopyBundles(this.function);
    archive.grantAdd(this.function);
    for (const lane of settings.feeds.flatMap((feed) => feed.lanes)) intake.grantCopy(this.function, lane.keyPrefix);
    this.function.maySendTo(queue);
    signingKey?.grantSign(this.function);
    desk.grantTell(this.function);
    this.function.mayPublish();
  }
}

/** What a file's report shows beside its account. */
function reportedFeed({ name, api, deadline }: FeedSettings) {
  return {
    feed: name,
    sink: api.url === undefined ? 'ledger' : 'http',
    ...(api.isPaced ? { limit: { requests: api.requests, windowSeconds: api.windowSeconds } } : {}),
    ...(deadline === undefined ? {} : { deadline: parseDeadline(deadline) }),
  };
}
