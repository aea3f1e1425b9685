import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** A request as far as it decides who makes it. */
export interface Asked {
  method: string;
  headers: IncomingHttpHeaders;
}

export interface Refusal {
  status: 401 | 403 | 415;
  text: string;
}

/** The header that the page sends the token in: not a cookie, which the browser would send for any other page too. */
const tokenHeader = 'x-sluice-token';

/**
 * Whether a request is of this machine's page: addressed to this server by a name that no other site can take (DNS
 * rebinding), and not made for a page of another origin. Undefined where it is.
 */
export function refuseOther({ headers }: Asked, port: number): Refusal | undefined {
  const hosts = [`127.0.0.1:${port}`, `localhost:${port}`];
  const { host = '', origin, 'sec-fetch-site': site } = headers;
  if (!hosts.includes(host)) return { status: 403, text: 'This is not the name of this server.' };
  if (origin !== undefined && origin !== `http://${host}`) return otherOrigin;
  // `none`: somebody has typed the address.
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return otherOrigin;
  return undefined;
}

/** Whether who asks for data, or for something to be done, may. Undefined where they may. */
export function refuseStranger({ method, headers }: Asked, token: string): Refusal | undefined {
  const given = headers[tokenHeader];
  if (typeof given !== 'string' || !isSame(given, token)) {
    return { status: 401, text: 'Open the address that `sluice ui` has printed.' };
  }
  if (method !== 'POST') return undefined;
  // A form of another page can send neither of these.
  if (headers.origin === undefined && headers['sec-fetch-site'] !== 'same-origin') return otherOrigin;
  const type = headers['content-type'] ?? '';
  return /^application\/json(?:;|$)/i.test(type) ? undefined : { status: 415, text: 'It must be JSON.' };
}

const otherOrigin: Refusal = { status: 403, text: 'This was asked for another page.' };

/** In a time that tells nothing of where they differ. */
function isSame(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
