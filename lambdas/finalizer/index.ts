import { randomUUID } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { KMSClient } from '@aws-sdk/client-kms';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { S3Client } from '@aws-sdk/client-s3';
import { SNSClient } from '@aws-sdk/client-sns';
import { SQSClient } from '@aws-sdk/client-sqs';
import { awsClientSettings, s3ClientSettings } from '../adapters/aws-client-settings.ts';
import { DynamoItemStore } from '../adapters/dynamo-item-store.ts';
import { EventBridgePublisher } from '../adapters/eventbridge-publisher.ts';
import { KmsSigner } from '../adapters/kms-signer.ts';
import { S3Archive, S3ReceiptStore } from '../adapters/s3-archive.ts';
import { S3ArchiveUploads } from '../adapters/s3-archive-uploads.ts';
import { S3PayloadStore } from '../adapters/s3-payload-store.ts';
import { SnsDesk } from '../adapters/sns-desk.ts';
import { SqsFinalizeQueue, SqsInFlightMessages, SqsIntakeQueue } from '../adapters/sqs-queues.ts';
import { systemClock } from '../adapters/system-clock.ts';
import { limiterStore } from '../ledger/limiter-store.ts';
import { openLedger } from '../ledger/open-ledger.ts';
import { createAuditLog } from '../runtime/audit-logger.ts';
import { readFinalizerEnvironment } from '../runtime/environment.ts';
import { createMetrics } from '../runtime/metrics.ts';
import { limitYoungHeap } from '../runtime/limit-young-heap.ts';
import { reportingMemory } from '../runtime/report-memory.ts';
import { shutdownOnSigterm } from '../runtime/shutdown.ts';
import { createFinalizerHandler } from './handler.ts';
import { s3PartSizes } from './part-sizes.ts';

limitYoungHeap();
const environment = readFinalizerEnvironment(process.env);
const s3 = new S3Client(s3ClientSettings);
const sqs = new SQSClient(awsClientSettings);
const { SIGNING_KEY_ARN: signingKeyArn } = environment;
const store = new DynamoItemStore(new DynamoDBClient(awsClientSettings), environment.LEDGER_TABLE);

const queue = new SqsFinalizeQueue(sqs, environment.FINALIZE_QUEUE_URL, systemClock);
const intakeQueues =
  environment.INTAKE_QUEUES &&
  new Map(
    Object.entries(environment.INTAKE_QUEUES).map(([lane, url]) => [lane, new SqsIntakeQueue(sqs, url, systemClock)]),
  );
const metrics = createMetrics({ stack: environment.STACK_NAME, feed: environment.FEED.feed });

const handle = createFinalizerHandler({
  shutdown: shutdownOnSigterm(),
  ledger: openLedger(store, systemClock),
  receipts: new S3ReceiptStore(s3, environment.WORK_BUCKET),
  archive: new S3Archive(s3, environment.ARCHIVE_BUCKET),
  archiveBucket: environment.ARCHIVE_BUCKET,
  uploads: new S3ArchiveUploads(s3, environment.ARCHIVE_BUCKET),
  partSizes: s3PartSizes,
  states: new S3PayloadStore(s3, environment.WORK_BUCKET),
  newId: randomUUID,
  signer: signingKeyArn === undefined ? undefined : new KmsSigner(new KMSClient(awsClientSettings), signingKeyArn),
  metrics,
  events: new EventBridgePublisher(new EventBridgeClient(awsClientSettings)),
  finalize: queue,
  ...(intakeQueues ? { intakeOf: (lane) => intakeQueues.get(lane) } : {}),
  mails: queue,
  nights: queue,
  desk: new SnsDesk(new SNSClient(awsClientSettings), environment.DESK_TOPIC_ARN),
  inFlight: new SqsInFlightMessages(sqs, environment.FINALIZE_QUEUE_URL),
  waiting: { times: environment.WAIT_TIMES, clock: systemClock, random: Math.random, metrics },
  clock: systemClock,
  log: createAuditLog('finalizer'),
  reported: (feed) => (feed === environment.FEED.feed ? environment.FEED : undefined),
  feedDecisions: () => limiterStore(store, environment.FEED.api).listDecisions(),
  version: environment.SLUICE_VERSION,
  stackName: environment.STACK_NAME,
});

export const handler = reportingMemory(handle, metrics);
