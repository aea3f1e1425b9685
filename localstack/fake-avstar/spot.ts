/** What the API accepts: exactly these five fields. */
export interface Spot {
  spot_id: string;
  station: string;
  airtime: string;
  duration_sec: number;
  advertiser: string;
}

/**
 * A spot whose id begins with this is refused the first time and accepted after that: a dead letter whose redrive succeeds.
 */
export const refusedOncePrefix = 'ONCE-REFUSED-';

const texts = ['spot_id', 'station', 'airtime', 'advertiser'] as const;

/**
 * Written by hand instead of with a schema: it runs for every request, and the fake must not be a benchmark's bottleneck.
 */
export function checkSpot(body: string): { spot: Spot } | { error: string; field?: string } {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return { error: 'the body is not JSON' };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { error: 'the body is no JSON object' };
  const record = value as Record<string, unknown>;
  for (const field of texts) {
    const text = record[field];
    if (typeof text !== 'string' || text.trim() === '')
      return { error: `${field} must be a text that is not blank`, field };
  }
  if (!Number.isInteger(record['duration_sec']))
    return { error: 'duration_sec must be an integer', field: 'duration_sec' };
  const extra = Object.keys(record).find((name) => name !== 'duration_sec' && !texts.some((text) => text === name));
  if (extra !== undefined) return { error: `${extra} is not a field of a spot`, field: extra };
  return { spot: record as unknown as Spot };
}
