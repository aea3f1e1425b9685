/** ISO 8601 in UTC, to the millisecond. @param atMs milliseconds since 1970 */
export function isoTime(atMs: number): string {
  return new Date(atMs).toISOString();
}

/** Null for a time that is not known, as JSON has it. */
export function isoTimeOrNull(atMs: number | undefined): string | null {
  return atMs === undefined ? null : isoTime(atMs);
}
