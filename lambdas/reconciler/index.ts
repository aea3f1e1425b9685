import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SQSClient } from '@aws-sdk/client-sqs';
import { awsClientSettings } from '../adapters/aws-client-settings.ts';
import { createDynamoLedger } from '../adapters/dynamo-ledger.ts';
import { SqsFinalizeQueue, SqsIntakeQueue, SqsQueueDepth } from '../adapters/sqs-queues.ts';
import { systemClock } from '../adapters/system-clock.ts';
import { createAuditLog } from '../runtime/audit-logger.ts';
import { readReconcilerEnvironment } from '../runtime/environment.ts';
import { createReconcilerHandler } from './handler.ts';

const environment = readReconcilerEnvironment(process.env);
const sqs = new SQSClient(awsClientSettings);

export const handler = createReconcilerHandler({
  ledger: createDynamoLedger(new DynamoDBClient(awsClientSettings), environment.LEDGER_TABLE, systemClock),
  lanes: environment.LANES.map(({ feed, lane, intakeQueueUrl, recordsQueueUrl }) => ({
    feed,
    lane,
    intake: new SqsIntakeQueue(sqs, intakeQueueUrl, systemClock),
    records: new SqsQueueDepth(sqs, recordsQueueUrl),
  })),
  finalize: new SqsFinalizeQueue(sqs, environment.FINALIZE_QUEUE_URL, systemClock),
  clock: systemClock,
  log: createAuditLog('reconciler'),
  stalledAfterMs: environment.STALLED_AFTER_SECONDS * 1000,
});
