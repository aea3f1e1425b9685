/** @import { Headline, Snapshot } from '../../live/snapshot.ts' */
import { showApis } from './apis.js';
import { byId, element, keepChildren, link, part, partOf, setClass, setText } from './dom.js';
import { showExpected } from './expected.js';
import { showFiles } from './files.js';
import { showQueues } from './queues.js';
import { fileAddress } from './router.js';
import { createFile, updateFile } from './view-files.js';

/** @param {Snapshot} snapshot */
export function showSections(snapshot) {
  showVerdict(snapshot);
  showFiles(snapshot);
  showExpected(snapshot.expected_files);
  showApis(snapshot);
  showQueues(snapshot.queues);
  keepChildren(byId('closed'), snapshot.closed, ({ file_id: id }) => id, createFile, updateFile);
  byId('closed-none').hidden = snapshot.closed.length > 0;
  byId('closed-table').hidden = snapshot.closed.length === 0;
}

/** @param {Snapshot} snapshot */
function showVerdict({ headlines: [first, ...rest] }) {
  if (!first) return;
  setText(byId('verdict'), first.text);
  setClass(byId('verdict'), first.tone);
  const create = (/** @type {Headline} */ { file_id: id }) =>
    element('li', '', part('text', id === null ? element('span') : link(fileAddress(id))));
  keepChildren(
    byId('remarks'),
    rest,
    ({ text }) => text,
    create,
    (child, { text, tone }) => {
      setText(partOf(child, 'text'), text);
      setClass(child, tone);
    },
  );
}
