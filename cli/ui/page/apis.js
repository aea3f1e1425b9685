/** @import { LiveApi, Snapshot } from '../../live/snapshot.ts' */
import { byId, element, keepChildren, link, part, partOf, setClass, setText } from './dom.js';
import { formatMoment, formatRate } from './format.js';
import { addressOf } from './router.js';

/** @param {Snapshot} snapshot */
export function showApis(snapshot) {
  keepChildren(
    byId('apis'),
    snapshot.apis,
    ({ id }) => id,
    createApi,
    (child, api) => updateApi(child, api, snapshot),
  );
}

/**
 * A single API, where the list is another one.
 * @param {HTMLElement} list
 * @param {string} id
 * @param {Snapshot | undefined} snapshot
 */
export function showApi(list, id, snapshot) {
  if (!snapshot) return;
  const apis = snapshot.apis.filter((api) => api.id === id);
  keepChildren(
    list,
    apis,
    (api) => api.id,
    createApi,
    (child, api) => updateApi(child, api, snapshot),
  );
}

/** @param {LiveApi} api */
function createApi({ id }) {
  return element(
    'li',
    '',
    part('name', element('strong')),
    ' ',
    part('rate', element('span')),
    part('bar', element('span', 'bar', part('share', element('i', 'settled')))),
    element('span', 'below', part('url', element('span')), part('state', element('span'))),
    link(addressOf(['api', id]), 'Rate of the last hours'),
  );
}

/**
 * @param {HTMLElement} child
 * @param {LiveApi} api
 * @param {Snapshot} snapshot
 */
function updateApi(child, api, snapshot) {
  const { feeds, url, limit, measured_per_second: measured } = api;
  setText(partOf(child, 'name'), feeds.join(', '));
  const isInUse = snapshot.files.some(({ feed }) => feeds.includes(feed));
  const idle = isInUse ? 'measuring' : 'idle';
  if (limit === null) setText(partOf(child, 'rate'), measured === null ? idle : formatRate(measured));
  else {
    const allowed = `${formatRate(limit.per_second)} allowed`;
    setText(partOf(child, 'rate'), measured === null ? `${idle}, ${allowed}` : `${formatRate(measured)} of ${allowed}`);
  }
  const share = limit === null || measured === null ? 0 : measured / limit.per_second;
  partOf(child, 'bar').hidden = limit === null;
  partOf(child, 'share').style.width = `${Math.min(1, share) * 100}%`;
  showBreaker(partOf(child, 'state'), api, snapshot);
  setText(partOf(child, 'url'), url ?? 'the record ledger');
}

/**
 * @param {HTMLElement} target
 * @param {LiveApi} api
 * @param {Snapshot} snapshot
 */
function showBreaker(target, api, snapshot) {
  const { url, breaker, breaker_reason: reason, breaker_since: since, paused_until: pausedUntil } = api;
  const until = pausedUntil === null ? '' : ` until ${formatMoment(pausedUntil, snapshot)}`;
  const from = since === null ? '' : ` since ${formatMoment(since, snapshot)}`;
  const isOpen = breaker === 'open';
  const closed = url === null ? '' : ' · breaker closed';
  const paused = until === '' ? closed : ` · paused${until}`;
  setText(target, isOpen ? ` · breaker open (${reason ?? 'no reason given'})${from}${until}` : paused);
  setClass(target, isOpen ? 'alarm' : until === '' ? '' : 'warning');
}
