/** @import { ClosedFile, Snapshot } from '../../live/snapshot.ts' */
import { showApis } from './apis.js';
import { byId, element, keepChildren, part, partOf, setClass, setText } from './dom.js';
import { showFiles } from './files.js';
import { formatCount, formatMoment, laneOf } from './format.js';
import { showQueues } from './queues.js';

/** @param {Snapshot} snapshot */
export function showSections(snapshot) {
  showVerdict(snapshot);
  showFiles(snapshot);
  showApis(snapshot);
  showQueues(snapshot.queues);
  keepChildren(
    byId('closed'),
    snapshot.closed,
    ({ file_id: id }) => id,
    createClosed,
    (child, file) => updateClosed(child, file, snapshot),
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
 * @param {Snapshot} snapshot
 */
function updateClosed(row, file, snapshot) {
  setText(partOf(row, 'name'), file.name);
  setText(partOf(row, 'about'), [laneOf(file), file.file_id].join(' · '));
  setText(partOf(row, 'verdict'), file.verdict);
  setClass(partOf(row, 'verdict'), file.tone);
  setText(partOf(row, 'records'), formatCount(file.total_records ?? 0));
  setText(partOf(row, 'ago'), formatMoment(file.completed ?? file.updated, snapshot));
}
