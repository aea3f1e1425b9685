import { zoneText } from '../../lambdas/core/deadlines/deadline-text.ts';
import { limitText, pauseText } from '../../lambdas/core/limiter/policy-facts.ts';
import type { FeedLimit } from '../operate/feed-limit.ts';
import { flat } from '../terminal/format.ts';
import { isoTimeOrNull } from '../../lambdas/core/iso-time.ts';

/** What applies to a feed, in words: its limit, from where, until when, by whom and why; and whether it is paused. */
export function formatFeedLimit({ feed, sharedWith, zone, limit, pause }: FeedLimit, now: number): string {
  const lines = [
    ...(pause ? [pauseText(pause, zone, now)] : []),
    limit ? limitText(limit, zone, now) : 'no limit is kept: records are sent as fast as its sink takes them',
    ...(sharedWith.length > 0 ? [`shared with ${sharedWith.join(', ')}`] : []),
    `times in ${zoneText(zone, now)}`,
  ];
  return `${lines.map((line, nth) => `${nth === 0 ? `${feed}: ` : '  '}${flat(line)}`).join('\n')}\n`;
}

/** The same for `--json`. */
export function describeFeedLimit({ feed, api, sharedWith, zone, limit, pause }: FeedLimit) {
  return {
    feed,
    api,
    shared_with: sharedWith,
    time_zone: zone,
    limit: limit
      ? {
          requests: limit.requests,
          deployed_requests: limit.deployedRequests,
          window_seconds: limit.windowSeconds,
          set_by: limit.setBy,
          since: isoTimeOrNull(limit.sinceMs),
          until: isoTimeOrNull(limit.untilMs),
          by: limit.by ?? null,
          why: limit.why ?? null,
        }
      : null,
    paused: pause ? { since: isoTimeOrNull(pause.sinceMs), by: pause.by, why: pause.why ?? null } : null,
  };
}
