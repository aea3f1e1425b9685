/** @import { ShownChange } from '../changes-page.ts' */
import { element, keepChildren, named, part, partOf, setClass, setText, table } from './dom.js';

/** How each kind of change is emphasised. */
const tones = { new: 'calm', changed: 'warning', removed: 'alarm' };

/**
 * A table of what a revision changes, with the values before and after side by side: a row for each column that differs, or
 * one with the whole text.
 * @param {string} label
 */
export function changeRows(label) {
  const { made, body } = table(label, [
    { title: 'Change' },
    { title: 'Record' },
    { title: 'Column' },
    { title: 'In the earlier file' },
    { title: 'In this file' },
  ]);
  made.hidden = true;
  return {
    made: element('div', 'changes', made),
    /** @param {readonly ShownChange[]} rows */
    show: (rows) => {
      made.hidden = rows.length === 0;
      keepChildren(body, rows.flatMap(shownRows), ({ key }) => key, createRow, updateRow);
    },
  };
}

/**
 * @typedef {Pick<ShownChange, 'key' | 'change' | 'identity' | 'note' | 'before' | 'after'> & { column: string }} ShownRow
 * @param {ShownChange} change
 * @returns {ShownRow[]}
 */
function shownRows({ fields, ...change }) {
  if (fields === null || fields.length === 0) return [{ ...change, column: '(whole record)' }];
  return fields.map(({ name, before, after }, place) => ({
    ...change,
    ...{ key: `${change.key} ${place}`, column: name, before: before ?? '(none)', after: after ?? '(none)' },
    note: place === 0 ? change.note : '',
  }));
}

function createRow() {
  const kind = element('th', '', part('change', element('span')));
  kind.setAttribute('scope', 'row');
  return element(
    'tr',
    '',
    kind,
    named('Record', element('td', '', part('identity', element('span')), part('note', element('span', 'below')))),
    named('Column', part('column', element('td'))),
    named('In the earlier file', part('before', element('td', 'raw'))),
    named('In this file', part('after', element('td', 'raw'))),
  );
}

/**
 * @param {HTMLElement} row
 * @param {ShownRow} shown
 */
function updateRow(row, { change, identity, column, before, after, note }) {
  setText(partOf(row, 'change'), change);
  setClass(partOf(row, 'change'), tones[change]);
  setText(partOf(row, 'identity'), identity);
  setText(partOf(row, 'note'), note);
  partOf(row, 'note').hidden = note === '';
  setText(partOf(row, 'column'), column);
  setText(partOf(row, 'before'), before ?? '–');
  setText(partOf(row, 'after'), after ?? '–');
}
