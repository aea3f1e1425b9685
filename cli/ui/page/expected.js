/** @import { LiveExpected } from '../../live/snapshot.ts' */
import { byId, element, keepChildren, link, part, partOf, setClass, setText } from './dom.js';
import { fileAddress } from './router.js';

/** @param {readonly LiveExpected[]} expected */
export function showExpected(expected) {
  byId('expected-section').hidden = expected.length === 0;
  keepChildren(byId('expected'), expected, keyOf, createExpected, updateExpected);
}

/** With its file: a link to another one is another link. @param {LiveExpected} expected */
const keyOf = ({ feed, name, day, file_id: fileId }) => [feed, name, day, fileId ?? ''].join(' ');

/** @param {LiveExpected} expected */
function createExpected({ file_id: fileId }) {
  return element(
    'li',
    '',
    part('text', fileId === null ? element('span') : link(fileAddress(fileId))),
    element('span', 'below', part('about', element('span'))),
  );
}

/** @type {Record<LiveExpected['state'], string>} */
const tones = { missing: 'alarm', too_few: 'alarm', late: 'warning', not_due: 'calm', met: 'calm' };

/**
 * @param {HTMLElement} child
 * @param {LiveExpected} expected
 */
function updateExpected(child, { text, state, feed, history }) {
  setText(partOf(child, 'text'), text);
  setClass(partOf(child, 'text'), tones[state]);
  setText(partOf(child, 'about'), [feed, ...(history === null ? [] : [history])].join(' · '));
}
