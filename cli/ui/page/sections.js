/** @import { Snapshot } from '../../live/snapshot.ts' */
import { showApis } from './apis.js';
import { byId, element, keepChildren, setClass, setText } from './dom.js';
import { showFiles } from './files.js';
import { showQueues } from './queues.js';
import { createFile, updateFile } from './view-files.js';

/** @param {Snapshot} snapshot */
export function showSections(snapshot) {
  showVerdict(snapshot);
  showFiles(snapshot);
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
