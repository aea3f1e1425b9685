/** Several records end in a millisecond, and making the text takes longer than hashing a record. */
let last = { atMs: NaN, text: '' };

/** ISO 8601 in UTC, to the millisecond. @param atMs milliseconds since 1970 */
export function isoTime(atMs: number): string {
  if (atMs !== last.atMs) last = { atMs, text: new Date(atMs).toISOString() };
  return last.text;
}

/** Null for a time that is not known, as JSON has it. */
export function isoTimeOrNull(atMs: number | undefined): string | null {
  return atMs === undefined ? null : isoTime(atMs);
}
