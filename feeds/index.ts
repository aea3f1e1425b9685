import type { Feed, RegisteredFeed } from './feed.ts';
import { feedFaults } from './feed-faults.ts';
import { maintenance } from './maintenance.ts';
import { telemetry } from './telemetry.ts';
import { traffic } from './traffic.ts';

/** Every feed of the system. */
export const feeds: readonly RegisteredFeed[] = [traffic, maintenance, telemetry];

/**
 * @param options the deployment's options, as the stack passes them
 * @throws Error if no feed has that name, or if its declaration or an option is invalid
 */
export function feedNamed(name: string, options: unknown = {}): Feed {
  const feed = feeds.find((candidate) => candidate.name === name);
  if (!feed) throw new Error(`There is no feed '${name}'. Feeds: ${feeds.map((each) => each.name).join(', ')}.`);
  const faults = feedFaults(feed);
  if (faults.length > 0) throw new Error(faults.join(' '));
  return feed.open(options);
}
