import { unknownVariables } from '../../cdk/known-variables.ts';
import { chooseFeeds } from '../../feeds/choose-feeds.ts';
import type { RegisteredFeed } from '../../feeds/feed.ts';
import { variableName } from '../../feeds/variable-name.ts';
import { CliError } from '../cli-error.ts';

export interface FeedToken {
  feed: string;
  token: string;
}

/** @throws CliError if a variable that begins with SLUICE_ is misspelt: it would be without effect */
export function refuseUnknownVariables(
  feeds: readonly Pick<RegisteredFeed, 'name' | 'options'>[],
  env: NodeJS.ProcessEnv,
): void {
  const faults = unknownVariables(feeds, env);
  if (faults.length > 0) throw new CliError(faults.join('\n'));
}

/**
 * The API tokens in the environment, one for every feed with an API.
 * @throws CliError naming what is missing: a stack without a token would accept files and deliver none of their records
 */
export function readFeedTokens(
  feeds: readonly Pick<RegisteredFeed, 'name' | 'sink' | 'isExample'>[],
  env: NodeJS.ProcessEnv,
): FeedToken[] {
  const names = chooseFeeds(feeds, env['SLUICE_FEEDS'])
    .chosen.filter(({ name, sink }) => (env[variableName(name, 'sink')]?.trim() || sink.kind) === 'http')
    .map((feed) => feed.name);
  const missing = names
    .flatMap((feed) => [variableName(feed, 'apiUrl'), variableName(feed, 'apiToken')])
    .filter((variable) => !env[variable]?.trim());
  if (missing.length > 0) {
    throw new CliError(
      `Set ${missing.join(' and ')} to define where records go. To try it without an API of your own, ` +
        'start the fake one (`npx sluice fake-api`), or run `npm run demo`. ' +
        'SLUICE_FEEDS=NAME,… deploys these feeds only.',
    );
  }
  return names.map((feed) => ({ feed, token: env[variableName(feed, 'apiToken')]?.trim() ?? '' }));
}

/** The environment without the tokens, for child processes that do not need them. */
export function withoutTokens(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^SLUICE_.*_API_TOKEN$/.test(name)));
}
