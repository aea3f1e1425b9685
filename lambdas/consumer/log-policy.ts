import type { DeployedLimit, InForce } from '../core/limiter/limit-policy.ts';
import { limitOf, policyNumber } from '../core/limiter/limit-policy.ts';
import type { LimiterItem } from '../core/limiter/limiter-item.ts';
import type { AuditLog } from '../ports.ts';
import { isoTime, isoTimeOrNull } from '../core/iso-time.ts';

/** Logs what applies to the API from now on, who decided it, and why: once per process and policy. */
export function logPolicy(
  item: LimiterItem,
  { override, pauses = {} }: InForce,
  { log, api, limit }: { log: AuditLog; api: string; limit: DeployedLimit },
): void {
  const paused = Object.entries(pauses).map(([feed, { since, by, why }]) => ({ feed, since: isoTime(since), by, why }));
  log.warn('limit policy applied', {
    api,
    policy: policyNumber(item),
    requests: limitOf(item, limit).requests,
    deployed_requests: limit.requests,
    window_seconds: limit.windowSeconds,
    set_by: item.setBy ?? 'deployment',
    until: isoTimeOrNull(item.until),
    ...(override ? { by: override.by, why: override.why } : {}),
    paused,
  });
}
