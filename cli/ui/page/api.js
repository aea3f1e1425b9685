/** @import { RedriveJob, RoomState } from '../room-state.ts' */

/**
 * Exchanges the link's code for the session's cookie. The code leaves the address before anything else happens. A code
 * that was used is no fault here: after a reload or a step back, the cookie is there.
 */
async function enter() {
  const code = location.hash.slice(1);
  if (code === '') return;
  history.replaceState(null, '', location.pathname);
  const headers = { 'content-type': 'application/json' };
  await fetch('/api/enter', { method: 'POST', headers, body: JSON.stringify({ code }) });
}

const entered = enter();

/** What the server said in place of an answer. */
export class RefusedError extends Error {}

/**
 * @param {string} path
 * @param {RequestInit} [init]
 */
async function ask(path, init = {}) {
  await entered;
  const answer = await fetch(path, { ...init, cache: 'no-store' });
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
 * Saves the reconciliation CSV. Fetched rather than opened, so that a refusal is shown on this page.
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
