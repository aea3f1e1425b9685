import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** The parts of a request that show who makes it. */
export interface Asked {
  method: string;
  headers: IncomingHttpHeaders;
}

export interface Refusal {
  status: 401 | 403 | 415;
  text: string;
}

/**
 * The page's session. Not `__Host-` and not `Secure`: browsers differ in whether they keep such cookies over http. The
 * host name is new at each start, so no other server can have set or can receive this cookie.
 */
const cookieName = 'sluice-room';

export function sessionCookie(session: string): string {
  return `${cookieName}=${session}; HttpOnly; SameSite=Strict; Path=/`;
}

/**
 * Refuses what does not come from this server's own page: another host name (DNS rebinding, or a page that was planted
 * on this port before), another origin, a service worker's script.
 * @param host the host name and port of this start
 */
export function refuseOther({ headers }: Asked, host: string): Refusal | undefined {
  const { origin, 'sec-fetch-site': site } = headers;
  if (headers.host !== host) return { status: 403, text: 'Open the link that `sluice ui` printed when it started.' };
  if (origin !== undefined && origin !== `http://${host}`) return otherOrigin;
  // `none`: typed or pasted into the address bar.
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return otherOrigin;
  // The page has no service worker, so a request for one's script is an attempt to plant one.
  if (headers['service-worker'] !== undefined) return { status: 403, text: 'There is no service worker here.' };
  return undefined;
}

/**
 * Refuses a POST that another page could have caused the browser to send.
 * @param type the media type that it must have: one that no form can send
 */
export function refuseForeignPost(
  { method, headers }: Asked,
  type: 'application/json' | 'text/csv' = 'application/json',
): Refusal | undefined {
  if (method !== 'POST') return undefined;
  if (headers.origin === undefined && headers['sec-fetch-site'] !== 'same-origin') return otherOrigin;
  const [given = ''] = (headers['content-type'] ?? '').toLowerCase().split(';');
  if (given.trim() === type) return undefined;
  return { status: 415, text: type === 'text/csv' ? 'It must be a CSV.' : 'It must be JSON.' };
}

/** Refuses a request without this start's session. */
export function refuseStranger({ headers }: Asked, session: string): Refusal | undefined {
  return sessionsOf(headers).some((given) => isSame(given, session))
    ? undefined
    : { status: 401, text: 'Open the newest link that `sluice ui` printed. Each link works once.' };
}

function sessionsOf({ cookie = '' }: IncomingHttpHeaders): string[] {
  const prefix = `${cookieName}=`;
  const cookies = cookie.split(';').map((each) => each.trim());
  return cookies.filter((each) => each.startsWith(prefix)).map((each) => each.slice(prefix.length));
}

const otherOrigin: Refusal = { status: 403, text: 'The request comes from another page.' };

/** Compares in a time that does not depend on where they differ. */
export function isSame(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
