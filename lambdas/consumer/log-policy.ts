import type { DeployedLimit, InForce } from '../core/limiter/limit-policy.ts';
import { limitOf, policyNumber } from '../core/limiter/limit-policy.ts';
import type { LimiterItem } from '../core/limiter/limiter-item.ts';
import type { AuditLog } from '../ports.ts';

/** Logs what applies to the API from now on, who decided it, and why: once per process and policy. */
export function logPolicy(
  item: LimiterItem,
  { override, pauses = {} }: InForce,
  { log, api, limit }: { log: AuditLog; api: string; limit: DeployedLimit },
): void {
  const paused = Object.entries(pauses).map(([feed, { since, by, why }]) => ({ feed, since: iso(since), by, why }));
  log.warn('limit policy applied', {
    api,
    policy: policyNumber(item),
    requests: limitOf(item, limit).requests,
    deployed_requests: limit.requests,
    window_seconds: limit.windowSeconds,
    set_by: item.setBy ?? 'deployment',
    until: item.until === undefined ? null : iso(item.until),
    ...(override ? { by: override.by, why: override.why } : {}),
    paused,
  });
}

const iso = (atMs: number): string => new Date(atMs).toISOString();
