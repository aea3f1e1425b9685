/** @import { RoomState } from '../room-state.ts' */
import { faultOf, readState } from './api.js';
import { wireDialog } from './ask.js';
import { showControls } from './controls.js';
import { showDeadLetters } from './dead-letters.js';
import { byId, setClass, setText } from './dom.js';
import { formatClock, formatCount } from './format.js';
import { showJobs } from './jobs.js';
import { keepState } from './state.js';
import { showSections } from './sections.js';
import { followAddress, viewTitle } from './views.js';

/** Milliseconds. */
const lookEveryMs = 1_500;

/** Faults by where they come from: the stack's state, and the view that is open. */
const faults = { state: '', view: '' };

wireDialog();
followAddress((error) => showFault('view', error === undefined ? '' : faultOf(error)));
follow().catch((error) => {
  showFault('state', 'This page could not show the answer it received; reload it.');
  throw error;
});

async function follow() {
  for (;;) {
    // Nobody sees a hidden page: the cloud is left alone.
    if (document.hidden) await becomesVisible();
    const state = await readState().catch((error) => showFault('state', faultOf(error)));
    if (state) show(state);
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
  }
}

function becomesVisible() {
  return new Promise((resolve) => document.addEventListener('visibilitychange', resolve, { once: true }));
}

/** @param {RoomState} state */
function show(state) {
  const { snapshot, unanswered, jobs } = state;
  if (unanswered) {
    const { since, why } = unanswered;
    const from = snapshot ? ` (since ${formatClock(since, snapshot.zone)})` : '';
    showFault('state', `The state cannot be read${from}; trying again. ${why}`);
  } else showFault('state', '');
  showJobs(jobs);
  showControls(byId('controls'), state.controls);
  if (!snapshot) return;
  keepState({ ...state, snapshot });
  setText(byId('stack'), snapshot.stack);
  setText(byId('cloud'), snapshot.cloud);
  setText(byId('seen'), `as of ${formatClock(snapshot.at, snapshot.zone)}, times in ${snapshot.zone}`);
  const dead = snapshot.dead_letters.reduce((sum, { count }) => sum + count, 0);
  setText(byId('nav-dead'), dead === 0 ? '' : ` (${formatCount(dead)}${snapshot.dead_letters_are_partial ? '+' : ''})`);
  const count = snapshot.files_under_way;
  const title = viewTitle === '' ? `Sluice – ${snapshot.stack}` : `${viewTitle} – Sluice`;
  document.title = count === 0 ? title : `(${count}) ${title}`;
  showSections(snapshot);
  showDeadLetters(snapshot, jobs);
}

/**
 * @param {'state' | 'view'} from
 * @param {string} text
 */
function showFault(from, text) {
  faults[from] = text;
  const shown = faults.state || faults.view;
  const fault = byId('fault');
  fault.hidden = shown === '';
  setText(fault, shown);
  setClass(byId('pulse'), faults.state === '' ? 'pulse' : 'pulse stale');
}
