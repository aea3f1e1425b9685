/** @import { ClosedFile, LiveApi, LiveFile, LiveQueue, Snapshot } from '../../live/snapshot.ts' */
import { byId, element, keepChildren, part, partOf, setClass, setText } from './dom.js';
import { formatAgo, formatBytes, formatCount, formatCountOf, formatRate, formatShare } from './format.js';

/** @param {Snapshot} snapshot */
export function showSections(snapshot) {
  showVerdict(snapshot);
  showFiles(snapshot);
  keepChildren(
    byId('apis'),
    snapshot.apis,
    ({ id }) => id,
    createApi,
    (child, api) => updateApi(child, api, snapshot.files),
  );
  showQueues(snapshot.queues);
  keepChildren(
    byId('closed'),
    snapshot.closed,
    ({ file_id: id }) => id,
    createClosed,
    (child, file) => updateClosed(child, file, Date.parse(snapshot.at)),
  );
  byId('closed-none').hidden = snapshot.closed.length > 0;
  byId('closed-table').hidden = snapshot.closed.length === 0;
}

/** @param {Snapshot} snapshot */
function showVerdict({ headlines: [first, ...rest] }) {
  if (!first) return;
  setText(byId('verdict'), first.text);
  setClass(byId('verdict'), first.tone);
  const create = () => element('li');
  keepChildren(
    byId('remarks'),
    rest,
    ({ text }) => text,
    create,
    (child, { text, tone }) => {
      setText(child, text);
      setClass(child, tone);
    },
  );
}

/** @param {Snapshot} snapshot */
function showFiles({ files, files_under_way: count }) {
  keepChildren(byId('files'), files, ({ file_id: id }) => id, createFile, updateFile);
  byId('files-table').hidden = files.length === 0;
  byId('legend').hidden = files.length === 0;
  byId('files-none').hidden = files.length > 0;
  byId('files-more').hidden = count === files.length;
  setText(byId('files-more'), `and ${formatCountOf(count - files.length, 'more file')}`);
}

function createFile() {
  const head = element('th', '', part('name', element('span', 'name')), part('about', element('span', 'below')));
  head.setAttribute('scope', 'row');
  const meter = part(
    'bar',
    element('span', 'bar', part('split', element('i', 'split')), part('settled', element('i', 'settled'))),
  );
  meter.setAttribute('role', 'progressbar');
  meter.setAttribute('aria-valuemin', '0');
  meter.setAttribute('aria-valuemax', '100');
  const end = element('td', 'end', part('done', element('span')), part('margin', element('span', 'below')));
  return element(
    'tr',
    '',
    head,
    element('td', 'progress', meter, part('activity', element('span', 'below'))),
    part('records', element('td', 'number')),
    part('dead', element('td', 'number')),
    end,
  );
}

/**
 * @param {HTMLElement} row
 * @param {LiveFile} file
 */
function updateFile(row, file) {
  const { checksum_share: checksum, split_share: split, settled_share: settled, activity } = file;
  const share = activity === 'checksum' ? checksum : activity === 'splitting' ? split : settled;
  const shareText = share === null ? '' : formatShare(share);
  setText(partOf(row, 'name'), file.name);
  setText(partOf(row, 'about'), [laneOf(file), formatBytes(file.bytes), file.file_id].join(' · '));
  setText(partOf(row, 'activity'), [activity, shareText].filter((text) => text !== '').join(' '));
  setClass(
    partOf(row, 'activity'),
    `below ${activity === 'stopped' ? 'alarm' : activity === 'held back' ? 'warning' : ''}`.trim(),
  );
  const bar = partOf(row, 'bar');
  bar.setAttribute('aria-label', `${file.name}: ${activity}`);
  if (share === null) bar.removeAttribute('aria-valuenow');
  else bar.setAttribute('aria-valuenow', String(Math.floor(share * 100)));
  // By the object model: the page's policy lets no style stand in an attribute.
  partOf(row, 'split').style.width = `${split * 100}%`;
  partOf(row, 'settled').style.width = `${(settled ?? 0) * 100}%`;
  setText(partOf(row, 'records'), recordsOf(file));
  setText(partOf(row, 'dead'), formatCount(file.dead_lettered_records));
  setClass(partOf(row, 'dead'), file.dead_lettered_records > 0 ? 'number warning' : 'number quiet');
  showEnd(row, file);
}

/**
 * @param {HTMLElement} row
 * @param {LiveFile} file
 */
function showEnd(row, { done_about: about, projected, deadline_margin_seconds: margin }) {
  const [first = '', second = ''] = (projected ?? '').split(', ');
  const isLate = margin !== null && margin < 0;
  setText(partOf(row, 'done'), about === null && projected === null ? '–' : first.replace(/^done about/, 'about'));
  setClass(partOf(row, 'done'), isLate ? 'alarm' : projected === null ? 'quiet' : '');
  setText(partOf(row, 'margin'), second);
}

/** @param {LiveFile} file */
function recordsOf({ settled_records: done, expected_records: expected, total_records: total }) {
  if (expected === null) return '–';
  return `${formatCount(done)} of ${total === null ? 'about ' : ''}${formatCount(expected)}`;
}

/** @param {{ feed: string | null, lane: string | null }} place */
function laneOf({ feed, lane }) {
  if (feed === null) return 'all feeds';
  return lane === 'express' ? `${feed} express` : feed;
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
  setText(target, isOpen ? ` · breaker open (${reason ?? 'no reason told'})${until}` : paused);
  setClass(target, isOpen ? 'alarm' : until === '' ? '' : 'warning');
}

/** @param {readonly LiveQueue[]} queues */
function showQueues(queues) {
  const lanes = [...Map.groupBy(queues, laneOf)].map(([name, ofLane]) => ({ name, ofLane }));
  keepChildren(
    byId('queues'),
    lanes,
    ({ name }) => name,
    createLane,
    (row, { name, ofLane }) => {
      setText(partOf(row, 'name'), name);
      for (const kind of queueKinds) {
        const queue = ofLane.find((each) => each.queue === kind);
        setText(partOf(row, kind), queue === undefined ? '' : formatCount(queue.messages));
        setClass(partOf(row, kind), queue?.messages === 0 ? 'number quiet' : 'number');
      }
      const dead = ofLane.reduce((sum, { dead_messages: count }) => sum + count, 0);
      setText(partOf(row, 'dead'), formatCount(dead));
      setClass(partOf(row, 'dead'), dead > 0 ? 'number warning' : 'number quiet');
    },
  );
}

const queueKinds = /** @type {const} */ (['intake', 'records', 'letters', 'finalize']);

function createLane() {
  const head = part('name', element('th'));
  head.setAttribute('scope', 'row');
  const cells = [...queueKinds, 'dead'].map((kind) => part(kind, element('td', 'number')));
  return element('tr', '', head, ...cells);
}

function createClosed() {
  const head = element('th', '', part('name', element('span', 'name')), part('about', element('span', 'below')));
  head.setAttribute('scope', 'row');
  return element(
    'tr',
    '',
    head,
    part('verdict', element('td')),
    part('records', element('td', 'number')),
    part('ago', element('td', 'number quiet')),
  );
}

/**
 * @param {HTMLElement} row
 * @param {ClosedFile} file
 * @param {number} now
 */
function updateClosed(row, file, now) {
  setText(partOf(row, 'name'), file.name);
  setText(partOf(row, 'about'), [laneOf(file), file.file_id].join(' · '));
  setText(partOf(row, 'verdict'), file.verdict);
  setClass(partOf(row, 'verdict'), file.tone);
  setText(partOf(row, 'records'), formatCount(file.total_records ?? 0));
  setText(partOf(row, 'ago'), formatAgo((now - Date.parse(file.completed ?? file.updated)) / 1000));
}
