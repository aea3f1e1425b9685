import type { RegisteredFeed } from '../feeds/feed.ts';
import { feedFaults } from '../feeds/feed-faults.ts';
import { deriveFeed } from './derive-feed.ts';
import type { Environment } from './feed-environment.ts';
import { readFeedEnvironment, readFeedOptions, variableName } from './feed-environment.ts';
import { readCertificates } from './read-certificates.ts';
import { SettingNames } from './setting-names.ts';
import type { FeedSettings, Settings } from './settings.ts';
import { collectFaults } from './settings-error.ts';
import type { GivenNumbers } from './stages/feed-numbers.ts';
import { feedNumbers, feedSetting } from './stages/feed-numbers.ts';
import type { StageNumbers } from './stages/stage-numbers.ts';

type StageWide = Pick<Settings, 'consumer' | 'queues' | 'splitter'>;

/** A feed's declaration, overridden by the stage and the environment. Undefined, with a fault, if something is missing. */
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
  const { given: ofEnvironment, faults: unread } = readFeedEnvironment(feed.name, environment);
  const given = { ...definedOf(ofStage), ...ofEnvironment };
  const names = new SettingNames(environment, { feeds: { [feed.name]: ofStage ?? {} } });
  const options = readFeedOptions(feed, environment, ofStage?.options);
  faults.push(...unread, ...options.faults);
  const kind = given.sink ?? feed.sink.kind;
  if (!feed.sink[kind === 'http' ? 'path' : 'kind']) {
    faults.push(`${names.ofFeed(feed.name, 'sink')} is 'http'; the feed's declaration has no sink.path for it.`);
    return undefined;
  }
  const { apiUrl } = given;
  if (kind === 'http' && apiUrl === undefined) {
    const name = variableName(feed.name, 'apiUrl');
    if (unread.length === 0) {
      faults.push(
        `${name} is not set, nor feeds.${feed.name}.apiUrl in the stage's file; it must be the base URL of the feed's API.`,
      );
    }
    return undefined;
  }
  // The declared limits are those of its own sink.
  if (kind === 'http' && feed.sink.kind !== 'http' && !(given.requests && given.windowSeconds)) {
    const [sink, requests] = [names.ofFeed(feed.name, 'sink'), variableName(feed.name, 'requests')];
    faults.push(
      `${sink} is 'http'; ${requests} and ${variableName(feed.name, 'windowSeconds')} must state the API's limit.`,
    );
    return undefined;
  }
  const { limits, archiveRetentionDays, logRetentionDays, deadline } = feed;
  const ofDeclaration = { ...limits, expressLane: true, archiveRetentionDays, logRetentionDays, deadline };
  const result = feedNumbers.safeParse({ ...ofDeclaration, ...given });
  if (!result.success) {
    faults.push(
      ...result.error.issues.map(({ path, message }) => `${nameOf(feed.name, path, { names, given })}: ${message}.`),
    );
    return undefined;
  }
  const { caFile } = given;
  const facts = {
    url: kind === 'http' ? apiUrl : undefined,
    caCertificates: collectFaults(() => certificatesOf(names.ofFeed(feed.name, 'caFile'), caFile), faults),
    options: options.given,
  };
  return deriveFeed(feed, { ...result.data, ...facts }, numbers);
}

/** Settings that are not given are those of the declaration. */
function nameOf(
  feed: string,
  path: readonly PropertyKey[],
  { names, given }: { names: SettingNames; given: GivenNumbers },
): string {
  const { data: setting } = feedSetting.safeParse(path[0]);
  const isGiven = setting !== undefined && given[setting] !== undefined;
  return isGiven ? names.ofFeed(feed, setting) : `The feed '${feed}': ${path.join('.')}`;
}

/** Without settings that are undefined: they must not override anything. */
function definedOf(ofStage: StageNumbers['feeds'][string] = {}): GivenNumbers {
  return Object.fromEntries(Object.entries(ofStage).filter(([, value]) => value !== undefined));
}

function certificatesOf(setting: string, path: string | undefined): string | undefined {
  return path === undefined ? undefined : readCertificates(path, setting, Date.now());
}
