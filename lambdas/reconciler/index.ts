import { randomUUID } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { SNSClient } from '@aws-sdk/client-sns';
import { SQSClient } from '@aws-sdk/client-sqs';
import { feedNamed } from '../../feeds/index.ts';
import { awsClientSettings, s3ClientSettings } from '../adapters/aws-client-settings.ts';
import { DynamoItemStore } from '../adapters/dynamo-item-store.ts';
import { S3Archive, S3ReceiptStore } from '../adapters/s3-archive.ts';
import { S3DroppedObjects } from '../adapters/s3-dropped-objects.ts';
import { S3IntakeListing } from '../adapters/s3-intake-listing.ts';
import { S3PayloadStore } from '../adapters/s3-payload-store.ts';
import { SnsDesk } from '../adapters/sns-desk.ts';
import { SqsDeadQueue } from '../adapters/sqs-dead-queue.ts';
import { SqsFinalizeQueue, SqsIntakeQueue, SqsQueueDepth } from '../adapters/sqs-queues.ts';
import { systemClock } from '../adapters/system-clock.ts';
import { limiterStore } from '../ledger/limiter-store.ts';
import { openLedger } from '../ledger/open-ledger.ts';
import { createAuditLog } from '../runtime/audit-logger.ts';
import { readReconcilerEnvironment } from '../runtime/environment.ts';
import { readExpectedFiles } from '../runtime/read-expected-files.ts';
import { limitYoungHeap } from '../runtime/limit-young-heap.ts';
import { createMetrics } from '../runtime/metrics.ts';
import { reportingMemory } from '../runtime/report-memory.ts';
import { createReconcilerHandler } from './handler.ts';

limitYoungHeap();
const environment = readReconcilerEnvironment(process.env);
const sqs = new SQSClient(awsClientSettings);
const s3 = new S3Client(s3ClientSettings);

/** A killed run's lease outlives its function by this. Seconds. */
const leaseReserveSeconds = 5;

const store = new DynamoItemStore(new DynamoDBClient(awsClientSettings), environment.LEDGER_TABLE);
const { FEED: feed } = environment;

function sweepOf(bucket: string) {
  const lanes = environment.LANES.flatMap(({ lane, keyPrefix, intakeQueueUrl, intakeDlqUrl }) => {
    if (keyPrefix === undefined) return [];
    const queues = [intakeQueueUrl, intakeDlqUrl].map((url) => new SqsQueueDepth(sqs, url));
    return [{ lane, keyPrefix, intake: new SqsIntakeQueue(sqs, intakeQueueUrl, systemClock), queues }];
  });
  return { lanes, dropped: new S3DroppedObjects(s3, bucket), control: environment.CONTROL };
}

const finalize = new SqsFinalizeQueue(sqs, environment.FINALIZE_QUEUE_URL, systemClock);

const handle = createReconcilerHandler({
  ledger: openLedger(store, systemClock),
  limiterOf: (api) => limiterStore(store, api),
  feed,
  sharing: environment.SHARING_FEEDS,
  expected: readExpectedFiles(environment.EXPECTED_FILE, import.meta.url),
  lanes: environment.LANES.map(({ lane, intakeQueueUrl, recordsQueueUrl }) => ({
    feed: feed.feed,
    lane,
    intake: new SqsIntakeQueue(sqs, intakeQueueUrl, systemClock),
    records: new SqsQueueDepth(sqs, recordsQueueUrl),
  })),
  dlqs: environment.LANES.map(({ lane, intakeDlqUrl, recordsDlqUrl, lettersDlqUrl }) => ({
    feed: feed.feed,
    lane,
    intake: new SqsDeadQueue(sqs, intakeDlqUrl, systemClock),
    records: new SqsDeadQueue(sqs, recordsDlqUrl, systemClock),
    letters: new SqsDeadQueue(sqs, lettersDlqUrl, systemClock),
  })),
  ...(environment.INTAKE_BUCKET === undefined ? {} : { sweep: sweepOf(environment.INTAKE_BUCKET) }),
  ...(environment.STRAYS === undefined
    ? {}
    : { strays: { ...environment.STRAYS, listing: new S3IntakeListing(s3, environment.STRAYS.bucket) } }),
  finalize,
  nights: finalize,
  finalizeDlq: new SqsDeadQueue(sqs, environment.FINALIZE_DLQ_URL, systemClock),
  hasControls: environment.CONTROL !== undefined,
  receipts: new S3ReceiptStore(s3, environment.WORK_BUCKET),
  payloads: new S3PayloadStore(s3, environment.WORK_BUCKET),
  archive: new S3Archive(s3, environment.ARCHIVE_BUCKET),
  archiveBucket: environment.ARCHIVE_BUCKET,
  desk: new SnsDesk(new SNSClient(awsClientSettings), environment.DESK_TOPIC_ARN),
  metricsOf: (name) => createMetrics({ stack: environment.STACK_NAME, feed: name }),
  stackName: environment.STACK_NAME,
  feedNamed,
  clock: systemClock,
  log: createAuditLog('reconciler'),
  newId: randomUUID,
  stalledAfterMs: environment.STALLED_AFTER_SECONDS * 1000,
  leaseMs: (environment.TIMEOUT_SECONDS + leaseReserveSeconds) * 1000,
});

export const handler = reportingMemory(handle, createMetrics({ stack: environment.STACK_NAME, feed: feed.feed }));
