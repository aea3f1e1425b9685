/** @import { ShownChange } from '../changes-page.ts' */
import { element, keepChildren, named, part, partOf, setClass, setText, table } from './dom.js';

/** How each kind of change is emphasised. */
const tones = { new: 'calm', changed: 'warning', removed: 'alarm' };

/** A table of what a revision changes, with the values before and after side by side. @param {string} label */
export function changeRows(label) {
  const { made, body } = table(label, [
    { title: 'Change' },
    { title: 'Record' },
    { title: 'In the earlier file' },
    { title: 'In this file' },
  ]);
  return {
    made: element('div', 'letters', made),
    /** @param {readonly ShownChange[]} rows */
    show: (rows) => {
      made.hidden = rows.length === 0;
      keepChildren(body, rows, ({ key }) => key, createRow, updateRow);
    },
  };
}

function createRow() {
  const kind = element('th', '', part('change', element('span')));
  kind.setAttribute('scope', 'row');
  return element(
    'tr',
    '',
    kind,
    named('Record', element('td', '', part('identity', element('span')), part('note', element('span', 'below')))),
    named('In the earlier file', part('before', element('td', 'raw'))),
    named('In this file', part('after', element('td', 'raw'))),
  );
}

/**
 * @param {HTMLElement} row
 * @param {ShownChange} shown
 */
function updateRow(row, { change, identity, fields, before, after, note }) {
  setText(partOf(row, 'change'), change);
  setClass(partOf(row, 'change'), tones[change]);
  setText(partOf(row, 'identity'), identity);
  setText(partOf(row, 'note'), note);
  partOf(row, 'note').hidden = note === '';
  const differs = fields !== null && fields.length > 0;
  setText(partOf(row, 'before'), differs ? valuesOf(fields, 'before') : (before ?? ''));
  setText(partOf(row, 'after'), differs ? valuesOf(fields, 'after') : (after ?? ''));
}

/**
 * @param {NonNullable<ShownChange['fields']>} fields
 * @param {'before' | 'after'} side
 */
const valuesOf = (fields, side) => fields.map((field) => `${field.name}: ${field[side] ?? '(none)'}`).join('\n');
