/**
 * What an API is known by to its limiter, in log and events: its base URL in one normal form. So feeds and
 * lanes that use one API share its limit. The URL holds no secret: settings with a user or a query are refused.
 */
export function apiIdOf({ name, api: { url } }: { name: string; api: { url?: string | undefined } }): string {
  // Each feed has a line of its own into the record ledger: an on-demand table makes room for both.
  if (url === undefined) return `record-ledger/${name}`;
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname.replace(/\/+$/, '')}`;
}
