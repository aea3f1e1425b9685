import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import { currentPace } from '../../lambdas/core/deadlines/pace.ts';
import type { DeployedLimit } from '../../lambdas/core/limiter/limit-policy.ts';
import { limitAt } from '../../lambdas/core/limiter/limit-policy.ts';
import { breakerText, openBreakerOf } from '../../lambdas/core/limiter/open-breaker.ts';
import { pauseFacts, pauseText } from '../../lambdas/core/limiter/policy-facts.ts';
import type { PolicyState } from '../../lambdas/core/limiter/policy-changes.ts';
import { oneLine } from '../terminal/format.ts';
import type { LineState } from './follow-file.ts';

const maxCharacters = 400;

/** What a file's records wait for, in words; times in UTC. @param limit as deployed; undefined if there is none */
export function lineStateOf(
  { item, inForce }: PolicyState,
  limit: DeployedLimit | undefined,
  file: FileAccount,
  now: number,
): LineState {
  const pause = pauseFacts(inForce).find(({ feed }) => feed === file.feed);
  const breaker = openBreakerOf(item);
  const reasons = [
    ...(pause ? [pauseText(pause, undefined, now)] : []),
    ...(breaker ? [breakerText('the API', breaker, undefined, now, pause !== undefined)] : []),
  ];
  const applied = limit && limitAt(item, limit, now);
  return {
    pace: currentPace({ limit, item, files: [file] }, now),
    stopped: reasons.length === 0 ? undefined : oneLine(reasons.join('. '), maxCharacters),
    ...(applied ? { limitPerSecond: applied.requests / applied.windowSeconds } : {}),
  };
}
