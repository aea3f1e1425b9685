/** @import { RoomState } from '../room-state.ts' */
import { readState, RefusedError } from './api.js';
import { wireDialog } from './ask-redrive.js';
import { showDeadLetters } from './dead-letters.js';
import { byId, setClass, setText } from './dom.js';
import { formatClock } from './format.js';
import { showSections } from './sections.js';

/** Milliseconds. */
const lookEveryMs = 1_500;

wireDialog();
follow().catch((error) => {
  showFault('This page could not show the answer it received; reload it.');
  throw error;
});

async function follow() {
  for (;;) {
    // Nobody sees a hidden page: the cloud is left alone.
    if (document.hidden) await becomesVisible();
    const state = await readState().catch((error) => showFault(faultOf(error)));
    if (state) show(state);
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
  }
}

/** @param {unknown} error */
function faultOf(error) {
  return error instanceof RefusedError
    ? error.message
    : 'The control room does not answer. If it was ended, start `sluice ui` again and open the new address.';
}

function becomesVisible() {
  return new Promise((resolve) => document.addEventListener('visibilitychange', resolve, { once: true }));
}

/** @param {RoomState} state */
function show({ snapshot, unanswered, redrives }) {
  if (unanswered) {
    const { since, why } = unanswered;
    const from = snapshot ? ` (since ${formatClock(since, snapshot.zone)})` : '';
    showFault(`The state cannot be read${from}; trying again. ${why}`);
  } else showFault('');
  if (!snapshot) return;
  setText(byId('stack'), snapshot.stack);
  setText(byId('cloud'), snapshot.cloud);
  setText(byId('seen'), `as of ${formatClock(snapshot.at, snapshot.zone)}, times in ${snapshot.zone}`);
  const count = snapshot.files_under_way;
  document.title = count === 0 ? `Sluice – ${snapshot.stack}` : `(${count}) Sluice – ${snapshot.stack}`;
  showSections(snapshot);
  showDeadLetters({ snapshot, unanswered, redrives });
}

/** @param {string} text */
function showFault(text) {
  const fault = byId('fault');
  fault.hidden = text === '';
  setText(fault, text);
  setClass(byId('pulse'), text === '' ? 'pulse' : 'pulse stale');
}
