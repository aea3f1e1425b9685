import { expect, it } from 'vitest';
import { describeProgress } from '../../../cli/drop/describe-progress.ts';
import { lineStateOf } from '../../../cli/drop/line-state.ts';
import type { InForce } from '../../../lambdas/core/limiter/limit-policy.ts';
import type { LimiterItem } from '../../../lambdas/core/limiter/limiter-item.ts';
import { noCounts } from '../../../lambdas/core/account/outcome.ts';
import { fileAccount } from '../../support/file-account.ts';

const now = Date.UTC(2026, 0, 5, 4, 0, 0);
const limit = { requests: 600, windowSeconds: 60 };
const file = fileAccount({ state: 'split', totalRecords: 1_000, settled: { ...noCounts(), uploaded: 100 } });
const textOf = (item: LimiterItem, pauses: NonNullable<InForce['pauses']> = {}) =>
  describeProgress({ file, limitPerSecond: 10, ...lineStateOf({ item, inForce: { pauses } }, limit, file, now) }).text;

it('a followed file has the limit that applies, not the deployed one', () => {
  expect(textOf({})).toContain('10/s allowed');
  expect(textOf({ policy: 1, requests: 60, setBy: 'operator' })).toContain(' 1/s allowed');
});

it('a followed file whose feed is paused has who paused it, since when and why, and no time left', () => {
  const pauses = { traffic: { by: 'ann', since: now - 3_600_000, why: 'the wrong day' } };
  const paused = textOf({ policy: 1 }, pauses);
  expect(paused).toContain('PAUSED by ann since 03:00 UTC, because the wrong day');
  expect(paused).not.toContain('left');
  const open = {
    policy: 1,
    breaker: 'open' as const,
    reason: 'outage' as const,
    openedAt: now,
    openUntil: now + 60_000,
  };
  expect(textOf(open, pauses)).toMatch(
    /PAUSED by ann .+\. Nothing is sent to the API since .+\. The next probe is sent after a resume\./,
  );
  expect(textOf({ policy: 1 }, { news: pauses.traffic })).not.toContain('PAUSED');
});
