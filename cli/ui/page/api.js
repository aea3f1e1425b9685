/** @import { Job, RoomState } from '../room-state.ts' */

/**
 * Exchanges the link's code for the session's cookie. The code leaves the address before anything else happens. A code
 * that was used is no fault here: after a reload or a step back, the cookie is there. A view's address begins with a
 * slash, which no code has.
 */
async function enter() {
  const code = location.hash.slice(1);
  if (code === '' || code.startsWith('/')) return;
  history.replaceState(null, '', location.pathname);
  const headers = { 'content-type': 'application/json' };
  await fetch('/api/enter', { method: 'POST', headers, body: JSON.stringify({ code }) });
}

const entered = enter();

/** What the server said in place of an answer. */
export class RefusedError extends Error {}

/** @param {unknown} error */
export function faultOf(error) {
  if (error instanceof RefusedError) return error.message;
  if (!(error instanceof TypeError)) throw error;
  return 'The control room does not answer. If it was ended, start `sluice ui` again and open the new address.';
}

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

/**
 * The path with its query; what is undefined or empty is left out.
 * @param {string} path
 * @param {Record<string, string | number | undefined>} [query]
 */
export function pathOf(path, query = {}) {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [[name, String(value)]],
  );
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`;
}

/**
 * @template T
 * @param {string} path
 * @param {Record<string, string | number | undefined>} [query]
 * @param {AbortSignal} [signal]
 * @returns {Promise<T>}
 */
export async function read(path, query, signal) {
  return (await ask(pathOf(path, query), signal ? { signal } : {})).json();
}

/**
 * @template T
 * @param {string} path
 * @param {unknown} wish
 * @param {AbortSignal} [signal]
 * @returns {Promise<T>}
 */
export async function send(path, wish, signal) {
  const headers = { 'content-type': 'application/json' };
  return (
    await ask(path, { method: 'POST', headers, body: JSON.stringify(wish), ...(signal ? { signal } : {}) })
  ).json();
}

/**
 * @template T
 * @param {string} path
 * @param {Blob} csv
 * @returns {Promise<T>}
 */
export async function sendCsv(path, csv) {
  return (await ask(path, { method: 'POST', headers: { 'content-type': 'text/csv' }, body: csv })).json();
}

/** @returns {Promise<RoomState>} */
export const readState = () => read('/api/snapshot');

/**
 * Letters of a feed; all of them if nothing else is named.
 * @typedef {{ feed: string, reason?: string | undefined, field?: string | undefined, file?: string | undefined, text?: string | undefined }} DeadChoice
 */

/**
 * @param {DeadChoice} choice
 * @returns {Promise<Job>}
 */
export const startRedrive = (choice) => send('/api/redrive', choice);

/**
 * Saves the reconciliation CSV. Fetched rather than opened, so that a refusal is shown on this page.
 * @param {DeadChoice} choice
 */
export async function saveExport(choice) {
  const answer = await ask(pathOf('/api/export', choice));
  const url = URL.createObjectURL(await answer.blob());
  const link = document.createElement('a');
  link.href = url;
  link.download = /filename="([^"]+)"/.exec(answer.headers.get('content-disposition') ?? '')?.[1] ?? 'dead-letters.csv';
  link.click();
  // The browser has taken hold of it by then.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
