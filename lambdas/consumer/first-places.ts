import type { PreparedRecord } from '../core/records/prepare-record.ts';

/** The first place of each request id in a batch. */
export function firstPlaces(records: readonly PreparedRecord[]): Map<string, number> {
  const places = new Map<string, number>();
  records.forEach(({ result }, place) => {
    if (result.kind === 'good' && !places.has(result.requestId)) places.set(result.requestId, place);
  });
  return places;
}
