/** @import { LiveFile, Snapshot } from '../../live/snapshot.ts' */
import {
  byId,
  element,
  keepChildren,
  link,
  named,
  part,
  partOf,
  progressBar,
  setClass,
  setHref,
  setText,
  showBar,
} from './dom.js';
import { formatBytes, formatCount, formatCountOf, formatShare, laneOf } from './format.js';
import { fileAddress } from './router.js';

/** @param {Snapshot} snapshot */
export function showFiles({ files, files_under_way: count }) {
  keepChildren(byId('files'), files, ({ file_id: id }) => id, createFile, updateFile);
  byId('files-table').hidden = files.length === 0;
  byId('legend').hidden = files.length === 0;
  byId('files-none').hidden = files.length > 0;
  byId('files-more').hidden = count === files.length;
  setText(byId('files-more'), `and ${formatCountOf(count - files.length, 'more file')}`);
}

function createFile() {
  const head = element('th', '', part('name', link('')), part('about', element('span', 'below')));
  head.setAttribute('scope', 'row');
  const meter = progressBar();
  const end = element('td', 'end', part('done', element('span')), part('margin', element('span', 'below')));
  return element(
    'tr',
    '',
    head,
    named('Progress', element('td', 'progress', meter, part('activity', element('span', 'below')))),
    named('Records', part('records', element('td', 'number'))),
    named('Dead', part('dead', element('td', 'number'))),
    named('Projected end', end),
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
  setHref(partOf(row, 'name'), fileAddress(file.file_id));
  setText(partOf(row, 'about'), [laneOf(file), formatBytes(file.bytes), file.file_id].join(' · '));
  setText(partOf(row, 'activity'), [activity, shareText].filter((text) => text !== '').join(' '));
  setClass(
    partOf(row, 'activity'),
    `below ${activity === 'stopped' ? 'alarm' : activity === 'held back' || activity === 'waiting' ? 'warning' : ''}`.trim(),
  );
  const bar = partOf(row, 'bar');
  bar.setAttribute('aria-label', `${file.name}: ${activity}`);
  if (share === null) bar.removeAttribute('aria-valuenow');
  else bar.setAttribute('aria-valuenow', String(Math.floor(share * 100)));
  showBar(row, file);
  setText(partOf(row, 'records'), recordsOf(file));
  setText(partOf(row, 'dead'), formatCount(file.open_dead_letters));
  setClass(partOf(row, 'dead'), file.open_dead_letters > 0 ? 'number warning' : 'number quiet');
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
