import { minMappingConcurrency } from './aws-quotas.ts';
import type { FeedOverrides } from './feed-environment.ts';
import type { FeedSettings, Settings, SettingsRequest } from './settings.ts';
import type { FeedNumbers } from './stages/stage-numbers.ts';

/** The mapping of a letters queue can't run fewer copies, and letters are few. */
export const letterConsumers = minMappingConcurrency;
/** Letters are sent one after the other. */
export const connectionsPerLetterConsumer = 1;

/** An estimate, well below what one core sends without a limit: more consumers than needed only share its connections. */
const requestsPerSecondAConsumer = 500;
/** Consumers with fewer connections than this would gain nothing over fewer consumers. */
const fewestConnections = 4;
/** Up to this pace a third of a CPU does: a consumer runs as long as a file takes, so its memory is the bill. */
const slowRequestsPerSecond = 100;

/** More records in a batch save nothing: 500 are one message, one lease and one object of receipts. */
const maxBatchRecords = 500;

/** What follows from an API's contract, the environment's say and the stage's times. */
export function deriveFeed(
  feed: SettingsRequest['feeds'][number],
  declared: FeedNumbers & { url: string; caCertificates: string | undefined },
  overrides: FeedOverrides,
  numbers: Pick<Settings, 'consumer' | 'queues'>,
): FeedSettings {
  const requests = overrides.REQUESTS ?? declared.requests;
  const windowSeconds = overrides.WINDOW_SECONDS ?? declared.windowSeconds;
  const connections = overrides.CONNECTIONS ?? declared.connections;
  const rate = requests / windowSeconds;
  const lanes = 1;
  const free = connections - lanes * letterConsumers * connectionsPerLetterConsumer;
  const consumers = overrides.CONCURRENCY ?? fewestConsumers(rate, free);
  // A batch takes at most half of a consumer's time, even if all of them share the rate.
  const batchRecords = Math.floor((rate * numbers.consumer.timeoutSeconds) / 2 / consumers);
  return {
    name: feed.name,
    archiveRetentionDays: declared.archiveRetentionDays,
    api: {
      url: declared.url,
      requests,
      windowSeconds,
      connections,
      consumers,
      connectionsPerConsumer: Math.floor(free / consumers),
      proxyUrl: overrides.PROXY_URL,
      caCertificates: declared.caCertificates,
    },
    lanes: [
      {
        name: 'main',
        feed: feed.name,
        id: feed.name,
        keyPrefix: `${feed.name}/`,
        consumers,
        consumerMemoryMb: rate / consumers <= slowRequestsPerSecond ? 512 : 1769,
        cutLimits: {
          maxBatchRecords: Math.min(maxBatchRecords, Math.max(1, batchRecords)),
          maxBatchBytes: numbers.queues.maxBatchBytes,
          maxRecordBytes: feed.maxRecordBytes,
        },
      },
    ],
  };
}

/** As few as the rate needs: each holds its share of the API's connections, used or not. */
function fewestConsumers(requestsPerSecond: number, connections: number): number {
  const needed = Math.ceil(requestsPerSecond / requestsPerSecondAConsumer);
  return Math.max(minMappingConcurrency, Math.min(needed, Math.floor(connections / fewestConnections)));
}
