/** @import { RedriveJob, RoomState } from '../room-state.ts' */

const tokenKey = 'sluice-token';

/** The token comes behind the `#` once, and is kept for this tab: a reload has no need of it. */
function takeToken() {
  const given = location.hash.slice(1);
  if (given !== '') {
    sessionStorage.setItem(tokenKey, given);
    history.replaceState(null, '', location.pathname);
  }
  return sessionStorage.getItem(tokenKey) ?? '';
}

const token = takeToken();

/** What the server said in place of an answer. */
export class RefusedError extends Error {}

/**
 * @param {string} path
 * @param {RequestInit} [init]
 */
async function ask(path, init = {}) {
  const headers = { ...init.headers, 'x-sluice-token': token };
  const answer = await fetch(path, { ...init, headers, cache: 'no-store' });
  if (answer.ok) return answer;
  const { fault } = /** @type {{ fault: string }} */ (await answer.json());
  throw new RefusedError(fault);
}

/** @returns {Promise<RoomState>} */
export async function readState() {
  return (await ask('/api/snapshot')).json();
}

/**
 * @param {string} feed
 * @param {string | undefined} reason
 * @returns {Promise<RedriveJob>}
 */
export async function startRedrive(feed, reason) {
  const init = {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ feed, ...(reason === undefined ? {} : { reason }) }),
  };
  return (await ask('/api/redrive', init)).json();
}

/**
 * Saves the reconciliation CSV. Fetched rather than opened: an address can't carry the token.
 * @param {string} feed
 * @param {string | undefined} reason
 */
export async function saveExport(feed, reason) {
  const query = new URLSearchParams({ feed, ...(reason === undefined ? {} : { reason }) });
  const answer = await ask(`/api/export?${query}`);
  const url = URL.createObjectURL(await answer.blob());
  const link = document.createElement('a');
  link.href = url;
  link.download = /filename="([^"]+)"/.exec(answer.headers.get('content-disposition') ?? '')?.[1] ?? 'dead-letters.csv';
  link.click();
  // The browser has taken hold of it by then.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
