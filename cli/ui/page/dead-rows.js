/** @import { DeadEntry } from '../dead-index.ts' */
import { element, keepChildren, link, named, part, partOf, setHref, setText, table } from './dom.js';
import { formatCount, formatMoment } from './format.js';
import { recordAddress } from './router.js';
import { momentOf } from './state.js';

/** A table of dead letters, each with its sentence. @param {string} label */
export function deadRows(label) {
  const { made, body } = table(label, [
    { title: 'Record', className: 'number' },
    { title: 'Why' },
    { title: 'Beginning of the record' },
    { title: 'Failed last' },
  ]);
  return {
    made: element('div', 'letters', made),
    /** @param {readonly DeadEntry[]} entries */
    show: (entries) => {
      made.hidden = entries.length === 0;
      keepChildren(body, entries, ({ file_id: id, record }) => `${id} ${record}`, createRow, updateRow);
    },
  };
}

function createRow() {
  const record = element('th', 'number', part('record', link('')));
  record.setAttribute('scope', 'row');
  const why = element(
    'td',
    'why',
    part('error', element('span', 'sentence')),
    part('answer', element('span', 'below answer')),
    part('about', element('span', 'below')),
  );
  return element(
    'tr',
    '',
    record,
    why,
    part('excerpt', element('td', 'raw')),
    named('Failed last', part('at', element('td', 'quiet'))),
  );
}

/**
 * @param {HTMLElement} row
 * @param {DeadEntry} entry
 */
function updateRow(row, { file_id: id, source_file: file, record, ...entry }) {
  setText(partOf(row, 'record'), formatCount(record));
  setHref(partOf(row, 'record'), recordAddress(id, record));
  setText(partOf(row, 'error'), entry.error === '' ? entry.reason : entry.error);
  const name = file.slice(file.lastIndexOf('/') + 1);
  setText(partOf(row, 'answer'), entry.api_answer ?? '');
  partOf(row, 'answer').hidden = !entry.api_answer;
  const field = entry.field === null ? '' : `field ${entry.field}`;
  setText(
    partOf(row, 'about'),
    [`${entry.outcome}, ${entry.reason}`, field, name].filter((text) => text !== '').join(' · '),
  );
  setText(partOf(row, 'excerpt'), entry.excerpt);
  setText(partOf(row, 'at'), entry.last_failure === null ? '' : formatMoment(entry.last_failure, momentOf()));
}
