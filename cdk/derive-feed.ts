import { maxMessageBytes, minMappingConcurrency } from './aws-quotas.ts';
import { consumerMemoryFor } from './consumer-memory.ts';
import type { RegisteredFeed } from '../feeds/feed.ts';
import type { FeedSettings, LaneSettings, Settings } from './settings.ts';
import { expectedOf } from './expected-files.ts';
import { calendarOf } from './limit-calendar.ts';
import type { FeedNumbers } from './stages/feed-numbers.ts';

/** The fewest that an event source mapping allows; letters are few. */
export const letterConsumers = minMappingConcurrency;
/** Letters are sent one after the other. */
export const connectionsPerLetterConsumer = 1;

/** An estimate, well below what one core sends without a limit. Too many consumers would only share the connections. */
const requestsPerSecondAConsumer = 500;
/** Consumers with fewer connections than this would gain nothing over fewer consumers. */
const fewestConnections = 4;
/**
 * A batch's message, lease, connections and receipts cost about the same for 1,000 records as for 500, and with a limit,
 * batches that wait for their turn in the queue change less often (lambdas/core/limiter/turn-of-batch.ts).
 */
const maxBatchRecords = 1_000;

/**
 * Small files come by the thousand, and their batches should have about as many records as others: 500 files of 1.4 KB. As
 * base64 that fits a message of 1 MiB, SQS's largest.
 */
const smallFilesBatchBytes = 700_000;

/** The fewest that a mapping allows: more would only take connections from the main lane. */
const expressConsumers = minMappingConcurrency;
/** Its share of the API's connections. It is fixed: a consumer can't know whether another one needs a connection. */
const expressShare = 1 / 4;
/** An urgent file waits for the batch before it for about this long. */
const expressBatchSeconds = 10;
/** With fewer records in a batch, its message, lease and receipts would cost more than sending them. */
const fewestExpressRecords = 20;

/** More than an ordinary day's changes. */
export const defaultGuard = 0.3;

/**
 * Derives a feed's settings from its API's contract and the stage's times.
 * @param given as declared, by the stage, or by the environment
 */
export function deriveFeed(
  feed: RegisteredFeed,
  given: Omit<FeedNumbers, 'apiUrl'> & {
    url: string | undefined;
    caCertificates: string | undefined;
    options: Record<string, string>;
  },
  numbers: Pick<Settings, 'consumer' | 'queues' | 'splitter'>,
): FeedSettings {
  const { requests, windowSeconds, connections, url, proxyUrl, caCertificates } = given;
  const rate = requests / windowSeconds;
  const hasExpress = given.expressLane;
  const free = connections - (hasExpress ? 2 : 1) * letterConsumers * connectionsPerLetterConsumer;
  const expressConnections = hasExpress ? Math.max(1, Math.floor((free * expressShare) / expressConsumers)) : 0;
  const mainFree = free - expressConsumers * expressConnections;
  const mainConsumers = given.consumers ?? fewestConsumers(rate, mainFree);
  const consumers = mainConsumers + (hasExpress ? expressConsumers : 0);
  // A batch takes at most half of a consumer's time, even if the consumers of both lanes share the rate.
  const fits = Math.floor((rate * numbers.consumer.timeoutSeconds) / 2 / consumers);
  const isPaced = given.paced ?? url !== undefined;
  const mostRecords = Math.min(maxBatchRecords, Math.max(1, fits));
  const fewRecords = Math.max(fewestExpressRecords, Math.floor((rate * expressBatchSeconds) / consumers));
  const { queues } = numbers;
  const lane = {
    ...{ feed, limit: { requests, windowSeconds, isPaced } },
    maxBatchBytes: feed.smallFiles ? smallFilesBatchBytes : queues.maxBatchBytes,
    maxMessageBytes: feed.smallFiles ? maxMessageBytes : queues.maxMessageBytes,
  };
  const main = laneOf('main', {
    ...lane,
    splitters: numbers.splitter.concurrency,
    consumers: mainConsumers,
    connectionsPerConsumer: Math.floor(mainFree / mainConsumers),
    batchRecords: mostRecords,
  });
  const express = laneOf('express', {
    ...lane,
    splitters: minMappingConcurrency,
    consumers: expressConsumers,
    connectionsPerConsumer: expressConnections,
    batchRecords: Math.min(mostRecords, fewRecords),
  });
  return {
    name: feed.name,
    toleratedShare: feed.toleratedRejects.share,
    smallFiles: feed.smallFiles ?? false,
    archiveRetentionDays: given.archiveRetentionDays,
    deadline: given.deadline,
    logRetentionDays: given.logRetentionDays,
    options: given.options,
    expected: expectedOf(given),
    series: given.series,
    control: given.control,
    revisionRules: { changedRecords: given.changedRecords, guard: given.revisionGuard ?? defaultGuard },
    api: {
      ...{ url, requests, windowSeconds, connections, consumers, proxyUrl, caCertificates },
      isPaced,
      calendar: calendarOf(given),
    },
    lanes: hasExpress ? [main, express] : [main],
  };
}

interface LaneShare extends Pick<
  LaneSettings,
  'splitters' | 'consumers' | 'connectionsPerConsumer' | 'maxMessageBytes'
> {
  feed: RegisteredFeed;
  limit: { requests: number; windowSeconds: number; isPaced: boolean };
  batchRecords: number;
  maxBatchBytes: number;
}

function laneOf(name: LaneSettings['name'], share: LaneShare): LaneSettings {
  const { feed, limit, batchRecords, maxBatchBytes, splitters, consumers, connectionsPerConsumer } = share;
  const isMain = name === 'main';
  return {
    name,
    feed: feed.name,
    id: isMain ? feed.name : `${feed.name}-${name}`,
    keyPrefix: isMain ? `${feed.name}/` : `${name}/${feed.name}/`,
    splitters,
    consumers,
    connectionsPerConsumer,
    // A lane that is alone, as it mostly is, has the whole rate.
    consumerMemoryMb: consumerMemoryFor(limit, consumers),
    maxMessageBytes: share.maxMessageBytes,
    cutLimits: { maxBatchRecords: batchRecords, maxBatchBytes, maxRecordBytes: feed.maxRecordBytes },
  };
}

/** As few as the rate needs: each holds its share of the API's connections, used or not. */
function fewestConsumers(requestsPerSecond: number, connections: number): number {
  const needed = Math.ceil(requestsPerSecond / requestsPerSecondAConsumer);
  return Math.max(minMappingConcurrency, Math.min(needed, Math.floor(connections / fewestConnections)));
}
