import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import { feedNamed } from '../../feeds/index.ts';
import { DynamoItemStore } from '../adapters/dynamo-item-store.ts';
import { EventBridgePublisher } from '../adapters/eventbridge-publisher.ts';
import { awsClientSettings, s3ClientSettings } from '../adapters/aws-client-settings.ts';
import { HttpSink } from '../adapters/http-sink.ts';
import { LedgerSink } from '../adapters/ledger-sink.ts';
import { S3ReceiptStore } from '../adapters/s3-archive.ts';
import { S3PayloadStore } from '../adapters/s3-payload-store.ts';
import { noToken, SecretToken } from '../adapters/secret-token.ts';
import { SqsBatchQueue, SqsFinalizeQueue, SqsInFlightMessages, SqsLetterQueue } from '../adapters/sqs-queues.ts';
import { systemClock } from '../adapters/system-clock.ts';
import { watchServerDates } from '../adapters/watch-server-dates.ts';
import { FailureRun } from '../core/limiter/breaker.ts';
import { ClockSkew } from '../core/limiter/clock-skew.ts';
import { jitterMarginMs } from '../core/limiter/limiter.ts';
import { SendRate } from '../core/limiter/send-rate.ts';
import { limiterStore } from '../ledger/limiter-store.ts';
import { openLedger } from '../ledger/open-ledger.ts';
import type { Sink } from '../ports.ts';
import { createAuditLog } from '../runtime/audit-logger.ts';
import { readConsumerEnvironment } from '../runtime/environment.ts';
import { createMetrics } from '../runtime/metrics.ts';
import { reportingMemory } from '../runtime/report-memory.ts';
import { shutdownOnSigterm } from '../runtime/shutdown.ts';
import { logPolicy } from './log-policy.ts';
import { createConsumerHandler } from './handler.ts';
import { KnownFiles } from './known-files.ts';
import { SharedLimiter } from './shared-limiter.ts';

const environment = readConsumerEnvironment(process.env);
const { API: api, TOKEN_SECRET_ARN: secret, RECORD_LEDGER_TABLE: recordLedger } = environment;
const feed = feedNamed(environment.SLUICE_FEED, environment.FEED_OPTIONS);
const sqs = new SQSClient(awsClientSettings);
const dynamo = new DynamoDBClient(awsClientSettings);
const s3 = new S3Client(s3ClientSettings);
const store = new DynamoItemStore(dynamo, environment.LEDGER_TABLE);
const skew = new ClockSkew(jitterMarginMs(api));
watchServerDates(dynamo, systemClock, (...times) => skew.observe(...times));
const tokens = secret === undefined ? noToken : new SecretToken(new SecretsManagerClient(awsClientSettings), secret);

// Created once per process: it remembers the API's addresses; its connections end with each invocation.
function openSink(connections: number): Sink {
  if (recordLedger !== undefined) {
    // Failures are retried at the limiter's pace, where they count for the breaker.
    const client = new DynamoDBClient({ ...awsClientSettings, maxAttempts: 1 });
    return new LedgerSink({ client, table: recordLedger, feed: feed.name, clock: systemClock });
  }
  const { url, proxyUrl, caFile } = api;
  const { path, answers } = feed.sink;
  if (url === undefined || path === undefined) throw new Error(`The feed '${feed.name}' has neither table nor API.`);
  const caCertificates = caFile === undefined ? undefined : readFileSync(new URL(caFile, import.meta.url), 'utf8');
  const way = { baseUrl: url, path, answers, connections, proxyUrl, caCertificates };
  return new HttpSink({ ...way, tokens, clock: systemClock });
}

const log = createAuditLog('consumer');
const metrics = createMetrics({ stack: environment.STACK_NAME, feed: feed.name });

const handle = createConsumerHandler({
  shutdown: shutdownOnSigterm(),
  feed,
  limit: api,
  connections: api.connectionsPerConsumer,
  sink: openSink(api.connectionsPerConsumer),
  letterSink: openSink(api.connectionsPerLetterConsumer),
  tokens,
  api: api.id,
  limiter: new SharedLimiter({
    store: limiterStore(store, api.id),
    clock: systemClock,
    limit: api,
    feed: feed.name,
    onPolicy: (item, inForce) => logPolicy(item, inForce, { log, api: api.id, limit: api }),
    newId: randomUUID,
    random: Math.random,
    correctionMs: () => skew.correctionMs(),
  }),
  skew,
  ledger: openLedger(store, systemClock),
  batches: new SqsBatchQueue(sqs, environment.RECORDS_QUEUE_URL, systemClock),
  letters: new SqsLetterQueue(sqs, environment.LETTERS_QUEUE_URL, systemClock),
  finalize: new SqsFinalizeQueue(sqs, environment.FINALIZE_QUEUE_URL, systemClock),
  receipts: new S3ReceiptStore(s3, environment.WORK_BUCKET),
  payloads: new S3PayloadStore(s3, environment.WORK_BUCKET),
  events: new EventBridgePublisher(new EventBridgeClient(awsClientSettings)),
  batchMessages: new SqsInFlightMessages(sqs, environment.RECORDS_QUEUE_URL),
  letterMessages: new SqsInFlightMessages(sqs, environment.LETTERS_QUEUE_URL),
  lettersQueueArn: environment.LETTERS_QUEUE_ARN,
  clock: systemClock,
  log,
  metrics,
  waiting: { times: environment.WAIT_TIMES, clock: systemClock, random: Math.random, metrics },
  run: new FailureRun(),
  rate: new SendRate(),
  files: new KnownFiles(),
  newId: randomUUID,
  random: Math.random,
});

export const handler = reportingMemory(handle, metrics);
