/** @import { LiveQueue } from '../../live/snapshot.ts' */
import { byId, element, keepChildren, part, partOf, setClass, setText } from './dom.js';
import { formatCount, laneOf } from './format.js';

/** @param {readonly LiveQueue[]} queues */
export function showQueues(queues) {
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
