import type { RegisteredFeed } from '../feeds/feed.ts';
import { feedFaults } from '../feeds/feed-faults.ts';
import { deriveFeed } from './derive-feed.ts';
import type { Environment, FeedOverrides } from './feed-environment.ts';
import { readFeedEnvironment, readFeedOptions, variableName } from './feed-environment.ts';
import { readCertificates } from './read-certificates.ts';
import type { FeedSettings, Settings } from './settings.ts';
import { collectFaults } from './settings-error.ts';
import type { StageNumbers } from './stages/stage-numbers.ts';
import { feedNumbers } from './stages/stage-numbers.ts';

type StageWide = Pick<Settings, 'consumer' | 'queues' | 'splitter'>;

/** What a feed declares, with what the stage and the environment say. Undefined where that is not enough, with a fault. */
export function readFeed(
  feed: RegisteredFeed,
  ofStage: StageNumbers['feeds'][string] | undefined,
  environment: Environment,
  numbers: StageWide,
  faults: string[],
): FeedSettings | undefined {
  const undeclarable = feedFaults(feed);
  faults.push(...undeclarable);
  if (undeclarable.length > 0) return undefined;
  const { overrides: ofEnvironment, faults: unread } = readFeedEnvironment(feed.name, environment);
  const overrides = { ...overridesOf(ofStage), ...ofEnvironment };
  const options = readFeedOptions(feed, environment, ofStage?.options);
  faults.push(...unread, ...options.faults);
  const kind = overrides.SINK ?? feed.sink.kind;
  if (!feed.sink[kind === 'http' ? 'path' : 'kind']) {
    faults.push(`${variableName(feed.name, 'SINK')} is 'http'; the feed's declaration has no sink.path for it.`);
    return undefined;
  }
  const apiUrl = overrides.API_URL;
  if (kind === 'http' && apiUrl === undefined) {
    const name = variableName(feed.name, 'API_URL');
    if (unread.length === 0) {
      faults.push(
        `${name} is not set, nor feeds.${feed.name}.apiUrl in the stage's file; it must be the base URL of the feed's API.`,
      );
    }
    return undefined;
  }
  // The declared limits are those of its own sink.
  if (kind === 'http' && feed.sink.kind !== 'http' && !(overrides.REQUESTS && overrides.WINDOW_SECONDS)) {
    const [sink, requests] = [variableName(feed.name, 'SINK'), variableName(feed.name, 'REQUESTS')];
    faults.push(
      `${sink} is 'http'; ${requests} and ${variableName(feed.name, 'WINDOW_SECONDS')} must state the API's limit.`,
    );
    return undefined;
  }
  const { limits, archiveRetentionDays, logRetentionDays, deadline } = feed;
  const result = feedNumbers.safeParse({
    ...limits,
    expressLane: true,
    archiveRetentionDays,
    logRetentionDays,
    deadline,
    ...ofStage,
  });
  if (!result.success) {
    faults.push(
      ...result.error.issues.map(({ path, message }) => `The feed '${feed.name}': ${path.join('.')}: ${message}.`),
    );
    return undefined;
  }
  const declared = {
    ...result.data,
    url: kind === 'http' ? apiUrl : undefined,
    caCertificates: collectFaults(() => certificatesOf(feed.name, overrides), faults),
    options: options.given,
  };
  return deriveFeed(feed, declared, overrides, numbers);
}

/** The stage's file, by the environment's names; the environment takes precedence. */
function overridesOf(ofStage: StageNumbers['feeds'][string] = {}): FeedOverrides {
  const { apiUrl, sink, proxyUrl, caFile, consumers, requests, windowSeconds, paced } = ofStage;
  const given: { [Name in keyof FeedOverrides]: FeedOverrides[Name] | undefined } = {
    API_URL: apiUrl,
    SINK: sink,
    PROXY_URL: proxyUrl,
    CA_FILE: caFile,
    CONCURRENCY: consumers,
    REQUESTS: requests,
    WINDOW_SECONDS: windowSeconds,
    PACED: paced,
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

function certificatesOf(feed: string, { CA_FILE: path }: FeedOverrides): string | undefined {
  return path === undefined ? undefined : readCertificates(path, variableName(feed, 'CA_FILE'), Date.now());
}
