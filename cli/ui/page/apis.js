/** @import { LiveApi, LiveFile, Snapshot } from '../../live/snapshot.ts' */
import { byId, element, keepChildren, part, partOf, setClass, setText } from './dom.js';
import { formatRate } from './format.js';

/** @param {Snapshot} snapshot */
export function showApis({ apis, files }) {
  keepChildren(
    byId('apis'),
    apis,
    ({ id }) => id,
    createApi,
    (child, api) => updateApi(child, api, files),
  );
}

function createApi() {
  return element(
    'li',
    '',
    part('name', element('strong')),
    ' ',
    part('rate', element('span')),
    part('bar', element('span', 'bar', part('share', element('i', 'settled')))),
    element('span', 'below', part('url', element('span')), part('state', element('span'))),
  );
}

/**
 * @param {HTMLElement} child
 * @param {LiveApi} api
 * @param {readonly LiveFile[]} files
 */
function updateApi(child, api, files) {
  const { feeds, url, limit, measured_per_second: measured } = api;
  setText(partOf(child, 'name'), feeds.join(', '));
  const isInUse = files.some(({ feed }) => feeds.includes(feed));
  const idle = isInUse ? 'measuring' : 'idle';
  if (limit === null) setText(partOf(child, 'rate'), measured === null ? idle : formatRate(measured));
  else {
    const allowed = `${formatRate(limit.per_second)} allowed`;
    setText(partOf(child, 'rate'), measured === null ? `${idle}, ${allowed}` : `${formatRate(measured)} of ${allowed}`);
  }
  const share = limit === null || measured === null ? 0 : measured / limit.per_second;
  partOf(child, 'bar').hidden = limit === null;
  partOf(child, 'share').style.width = `${Math.min(1, share) * 100}%`;
  showBreaker(partOf(child, 'state'), api);
  setText(partOf(child, 'url'), url ?? 'the record ledger');
}

/**
 * @param {HTMLElement} target
 * @param {LiveApi} api
 */
function showBreaker(target, { url, breaker, breaker_reason: reason, paused_until: pausedUntil }) {
  const until = pausedUntil === null ? '' : ` until ${pausedUntil.slice(11, 19)} UTC`;
  const isOpen = breaker === 'open';
  const closed = url === null ? '' : ' · breaker closed';
  const paused = until === '' ? closed : ` · paused${until}`;
  setText(target, isOpen ? ` · breaker open (${reason ?? 'no reason given'})${until}` : paused);
  setClass(target, isOpen ? 'alarm' : until === '' ? '' : 'warning');
}
