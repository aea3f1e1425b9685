/**
 * What an API is known by to its limiter, in log and events: its base URL, as everybody writes it in the end. So feeds and
 * lanes that use one API share its limit. The URL holds no secret: settings with a user or a query are refused.
 */
export function apiIdOf(url: string): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname.replace(/\/+$/, '')}`;
}
