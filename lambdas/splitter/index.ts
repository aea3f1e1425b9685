import { randomBytes, randomUUID } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { feedNamed } from '../../feeds/index.ts';
import { awsClientSettings, s3ClientSettings } from '../adapters/aws-client-settings.ts';
import { DynamoItemStore } from '../adapters/dynamo-item-store.ts';
import { S3Archive } from '../adapters/s3-archive.ts';
import { S3BundleStore } from '../adapters/s3-bundle-store.ts';
import { S3SourceObjects } from '../adapters/s3-source-objects.ts';
import { SqsBatchQueue, SqsFinalizeQueue, SqsInFlightMessages, SqsIntakeQueue } from '../adapters/sqs-queues.ts';
import { systemClock } from '../adapters/system-clock.ts';
import { openLedger } from '../ledger/open-ledger.ts';
import { createAuditLog } from '../runtime/audit-logger.ts';
import { readSplitterEnvironment } from '../runtime/environment.ts';
import { createMetrics } from '../runtime/metrics.ts';
import { limitYoungHeap } from '../runtime/limit-young-heap.ts';
import { reportingMemory } from '../runtime/report-memory.ts';
import { shutdownOnSigterm } from '../runtime/shutdown.ts';
import { createSplitterHandler } from './handler.ts';
import { LatestPlan } from './latest-plan.ts';

limitYoungHeap();
const environment = readSplitterEnvironment(process.env);
const sqs = new SQSClient(awsClientSettings);

const s3 = new S3Client(s3ClientSettings);
const { SLUICE_FEED, WORK_BUCKET, ARCHIVE_BUCKET } = environment;
const store = new DynamoItemStore(new DynamoDBClient(awsClientSettings), environment.LEDGER_TABLE);

const archive = ARCHIVE_BUCKET === undefined ? undefined : new S3Archive(s3, ARCHIVE_BUCKET);

const metrics = createMetrics({ stack: environment.STACK_NAME, feed: SLUICE_FEED });

const handle = createSplitterHandler({
  shutdown: shutdownOnSigterm(),
  feed: feedNamed(SLUICE_FEED, environment.FEED_OPTIONS),
  lane: environment.SLUICE_LANE,
  limits: environment.CUT_LIMITS,
  gzip: environment.GZIP_LIMITS,
  horizon: environment.HORIZON,
  series: environment.SERIES,
  plans: new LatestPlan(),
  control: environment.CONTROL && { ...environment.CONTROL, lane: environment.SLUICE_LANE },
  archive,
  lists: archive,
  sources: new S3SourceObjects(s3, systemClock),
  ledger: openLedger(store, systemClock),
  batches: new SqsBatchQueue(sqs, environment.RECORDS_QUEUE_URL, systemClock),
  intake: new SqsIntakeQueue(sqs, environment.INTAKE_QUEUE_URL, systemClock),
  finalize: new SqsFinalizeQueue(sqs, environment.FINALIZE_QUEUE_URL, systemClock),
  inFlight: new SqsInFlightMessages(sqs, environment.INTAKE_QUEUE_URL),
  waiting: { times: environment.WAIT_TIMES, clock: systemClock, random: Math.random, metrics },
  clock: systemClock,
  ...(WORK_BUCKET === undefined ? {} : { bundles: new S3BundleStore(s3, WORK_BUCKET, SLUICE_FEED) }),
  log: createAuditLog('splitter'),
  metrics,
  newOwner: randomUUID,
  newMessageKey: () => randomBytes(32).toString('hex'),
});

export const handler = reportingMemory(handle, metrics);
