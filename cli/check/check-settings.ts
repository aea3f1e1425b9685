import { readFeed } from '../../cdk/read-feeds.ts';
import { variableName } from '../../cdk/feed-environment.ts';
import type { FeedSettings } from '../../cdk/settings.ts';
import type { StageName } from '../../cdk/stages/index.ts';
import { stages } from '../../cdk/stages/index.ts';
import { feedNamed, feeds } from '../../feeds/index.ts';
import type { Feed } from '../../feeds/feed.ts';
import type { ContentLimits } from '../../lambdas/content/check-content.ts';
import { CliError } from '../cli-error.ts';

export interface CheckSettings {
  feed: Feed;
  settings: FeedSettings;
  contentLimits: ContentLimits;
}

/** Where nothing is sent, an address is not needed; the settings ask for one. */
const noAddress = 'https://nothing-is-sent.invalid';

/**
 * A feed as a stage would deploy it, with this environment: limits, options, deadline.
 * @throws CliError naming every setting that can't work
 */
export function readCheckSettings(name: string, stage: StageName, env: NodeJS.ProcessEnv): CheckSettings {
  const declared = feeds.find((feed) => feed.name === name);
  if (!declared) throw new CliError(`There is no feed '${name}'.`);
  const numbers = stages[stage];
  const environment = {
    ...env,
    [variableName(name, 'apiUrl')]: noAddress,
    // What leads to the API says nothing about a file.
    [variableName(name, 'caFile')]: undefined,
    [variableName(name, 'proxyUrl')]: undefined,
  };
  const faults: string[] = [];
  const settings = readFeed(declared, numbers.feeds[name], environment, numbers, faults);
  if (!settings || faults.length > 0) throw new CliError(faults.join(' '));
  return { feed: feedNamed(name, settings.options), settings, contentLimits: numbers.splitter.gzip };
}

export function isStage(name: string): name is StageName {
  return name in stages;
}

export const stageNames = Object.keys(stages);
