/** @import { Place } from './router.js' */
import { byId } from './dom.js';
import { say } from './jobs.js';
import { placeOf } from './router.js';
import { openApiView } from './view-api.js';
import { openChangesView } from './view-changes.js';
import { openDeadView } from './view-dead.js';
import { openFileView } from './view-file.js';
import { openFilesView } from './view-files.js';
import { openImportView } from './view-import.js';
import { openNightView } from './view-night.js';
import { openNightsView } from './view-nights.js';
import { openRecordView } from './view-record.js';

/**
 * @typedef {object} OpenedView
 * @property {string} title of the window, if it is known at once
 * @property {() => Promise<string | void>} read asks for the content and shows it; may return the window's title
 * @property {number} everyMs how often it is read again
 */

/** @type {Record<string, (root: HTMLElement, place: Place, signal: AbortSignal) => OpenedView>} */
const views = {
  file: openFileView,
  files: openFilesView,
  dead: openDeadView,
  record: openRecordView,
  import: openImportView,
  api: openApiView,
  changes: openChangesView,
  nights: openNightsView,
  night: openNightView,
};

let closing = new AbortController();
let isFirst = true;

/** The window's title without the number of files, which the overview adds. */
export let viewTitle = '';

/** Shows the view of the address, now and whenever it changes. @param {(error: unknown) => void} onFault */
export function followAddress(onFault) {
  const show = () => void showPlace(placeOf(location.hash), onFault);
  window.addEventListener('hashchange', show);
  show();
}

/**
 * @param {Place} place
 * @param {(error: unknown) => void} onFault
 */
async function showPlace(place, onFault) {
  closing.abort();
  closing = new AbortController();
  const { signal } = closing;
  const open = Object.hasOwn(views, place.view) ? views[place.view] : undefined;
  byId('overview').hidden = open !== undefined;
  const root = byId('view');
  root.hidden = open === undefined;
  root.replaceChildren();
  for (const each of document.querySelectorAll('nav a')) {
    const isHere = placeOf(each.getAttribute('href') ?? '').view === (open ? place.view : '');
    if (isHere) each.setAttribute('aria-current', 'page');
    else each.removeAttribute('aria-current');
  }
  viewTitle = '';
  say('');
  const view = open?.(root, place, signal);
  if (view) setTitle(view.title);
  if (!isFirst) moveFocus(open ? root : byId('overview'));
  isFirst = false;
  while (view && !signal.aborted) {
    try {
      const title = await view.read();
      if (title && !signal.aborted) setTitle(title);
      if (!signal.aborted) onFault(undefined);
    } catch (error) {
      if (!signal.aborted) onFault(error);
    }
    await pause(view.everyMs, signal);
  }
}

/** @param {string} title */
function setTitle(title) {
  viewTitle = title;
  document.title = `${title} – Sluice`;
}

/** To the new view's heading, so that it is read out and the next Tab is in it. @param {HTMLElement} root */
function moveFocus(root) {
  const heading = root.querySelector('h1');
  if (!heading) return;
  heading.setAttribute('tabindex', '-1');
  heading.focus({ preventScroll: true });
  window.scrollTo(0, 0);
}

/**
 * Longer while the page is hidden.
 * @param {number} ms
 * @param {AbortSignal} signal
 */
async function pause(ms, signal) {
  await new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve(undefined)), { once: true });
  });
  while (document.hidden && !signal.aborted) {
    await new Promise((resolve) => document.addEventListener('visibilitychange', resolve, { once: true }));
  }
}
