import type { RegisteredFeed } from './feed.ts';

/** The feeds that are deployed: those named in the text (the value of `SLUICE_FEEDS`), or all except the examples. */
export function chooseFeeds<Feed extends Pick<RegisteredFeed, 'name' | 'isExample'>>(
  feeds: readonly Feed[],
  text: string | undefined,
): { chosen: readonly Feed[]; unknown: string[] } {
  const names = (text ?? '').split(/[\s,]+/).filter((name) => name !== '');
  if (names.length === 0) return { chosen: feeds.filter((feed) => !feed.isExample), unknown: [] };
  return {
    chosen: feeds.filter((feed) => names.includes(feed.name)),
    unknown: names.filter((name) => !feeds.some((feed) => feed.name === name)),
  };
}
