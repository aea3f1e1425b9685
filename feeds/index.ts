import type { Feed } from './feed.ts';
import { traffic } from './traffic.ts';

/** Every feed of the system. The payload's type is the feed's own business, so it is widened here. */
export const feeds: readonly Feed[] = [traffic as unknown as Feed];

/** @throws Error where no feed has that name */
export function feedNamed(name: string): Feed {
  const feed = feeds.find((candidate) => candidate.name === name);
  if (!feed) throw new Error(`There is no feed '${name}'. Feeds: ${feeds.map((each) => each.name).join(', ')}.`);
  return feed;
}
