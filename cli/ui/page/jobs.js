/** @import { Job } from '../room-state.ts' */
import { byId, element, keepChildren, setClass, setText } from './dom.js';

const states = { running: 'in progress', done: 'done', failed: 'failed' };
const kinds = { redrive: 'Redrive', correction: 'Correction', resolution: 'Resolution' };

/** What was started here and runs, or ended a short while ago: on every view. @param {readonly Job[]} jobs */
export function showJobs(jobs) {
  keepChildren(
    byId('jobs'),
    jobs,
    ({ id }) => String(id),
    () => element('p', 'job'),
    (box, { kind, feed, what, state, text }) => {
      setText(box, `${kinds[kind]} of ${feed}, ${what}: ${states[state]}. ${text}`);
      setClass(box, `job ${state}`);
    },
  );
}

/** What an action has come to; until another view is opened. @param {string} text */
export function say(text) {
  setText(byId('said'), text);
  byId('said').hidden = text === '';
}
