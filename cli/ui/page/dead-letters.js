/** @import { DeadGroup, Snapshot } from '../../live/snapshot.ts' */
/** @import { RedriveJob, RoomState } from '../room-state.ts' */
import { RefusedError, saveExport, startRedrive } from './api.js';
import { confirmRedrive } from './ask-redrive.js';
import { byId, element, keepChildren, part, partOf, setClass, setText } from './dom.js';
import { formatCount, formatCountOf } from './format.js';

/**
 * @typedef {object} DeadFeed a feed with dead letters, or with a redrive of them
 * @property {string} feed
 * @property {DeadGroup[]} groups
 * @property {number} count
 * @property {boolean} isPartial
 * @property {string} api
 * @property {RedriveJob | undefined} job the newest
 */

/** @type {Map<string, DeadFeed>} as they were shown last, by feed: what a button acts on */
let shown = new Map();

/** @param {RoomState & { snapshot: Snapshot }} state */
export function showDeadLetters({ snapshot, redrives }) {
  const feeds = deadFeedsOf(snapshot, redrives);
  shown = new Map(feeds.map((feed) => [feed.feed, feed]));
  keepChildren(byId('dead'), feeds, ({ feed }) => feed, createFeed, updateFeed);
  byId('dead-none').hidden = feeds.length > 0;
}

/**
 * @param {Snapshot} snapshot
 * @param {readonly RedriveJob[]} redrives
 * @returns {DeadFeed[]}
 */
function deadFeedsOf({ dead_letters: groups, dead_letters_are_partial: isPartial, queues, apis }, redrives) {
  const inDlq = queues.filter(({ queue, dead_messages: count }) => queue === 'letters' && count > 0);
  const names = [...groups, ...inDlq, ...redrives].map(({ feed }) => feed);
  return [...new Set(names)].sort().map((feed) => {
    const mine = groups.filter((group) => group.feed === feed);
    return {
      feed,
      groups: mine,
      count: mine.reduce((sum, group) => sum + group.count, 0),
      isPartial,
      api: apis.find(({ feeds }) => feeds.includes(feed))?.url ?? 'the record ledger',
      job: redrives.find((job) => job.feed === feed),
    };
  });
}

/** @param {DeadFeed} of */
function createFeed({ feed }) {
  const head = element(
    'div',
    'feed-head',
    part('title', element('h3')),
    element(
      'span',
      'actions',
      button('Redrive all…', () => redrive(feed, undefined)),
      button('Export CSV', () => save(feed, undefined)),
    ),
  );
  const said = part('said', element('p', 'redrive'));
  said.setAttribute('role', 'status');
  const table = element('table', '', part('groups', element('tbody')));
  table.setAttribute('aria-label', `Dead letters of ${feed} by reason`);
  const trouble = part('trouble', element('p', 'fault'));
  trouble.setAttribute('role', 'alert');
  trouble.hidden = true;
  return element('div', 'feed', head, trouble, said, element('div', 'scroll', table));
}

/**
 * @param {HTMLElement} block
 * @param {DeadFeed} feed
 */
function updateFeed(block, { feed, groups, count, isPartial, job }) {
  setText(
    partOf(block, 'title'),
    `${feed}: ${isPartial ? 'more than ' : ''}${formatCountOf(count, 'open dead letter')}`,
  );
  const keyOf = (/** @type {DeadGroup} */ { outcome, reason }) => `${outcome} ${reason}`;
  keepChildren(partOf(block, 'groups'), groups, keyOf, createGroup, updateGroup);
  if (job) showJob(block, job);
  const isRunning = job?.state === 'running';
  for (const each of block.querySelectorAll('[data-redrive]')) each.setAttribute('aria-disabled', String(isRunning));
}

/** @param {DeadGroup} group */
function createGroup({ feed, outcome, reason }) {
  const head = part('reason', element('th'));
  head.setAttribute('scope', 'row');
  const actions =
    outcome === 'unknown'
      ? []
      : [
          button('Redrive…', () => redrive(feed, reason), `Redrive ${reason}`),
          button('Export', () => save(feed, reason), `Export ${reason}`),
        ];
  return element(
    'tr',
    '',
    part('count', element('td', 'number count')),
    head,
    part('outcome', element('td', 'quiet')),
    element('td', '', element('span', 'actions', ...actions)),
  );
}

/**
 * @param {HTMLElement} row
 * @param {DeadGroup} group
 */
function updateGroup(row, { count, reason, outcome }) {
  setText(partOf(row, 'count'), formatCount(count));
  setText(partOf(row, 'reason'), reason);
  setText(partOf(row, 'outcome'), outcome);
}

/**
 * @param {HTMLElement} block
 * @param {RedriveJob} job
 */
function showJob(block, { reason, state, text }) {
  const what = reason === null ? 'Redrive' : `Redrive of ${reason}`;
  const words = { running: 'in progress', done: 'done', failed: 'failed' };
  const said = partOf(block, 'said');
  setText(said, `${what} ${words[state]}: ${text}`);
  setClass(said, `redrive ${state}`);
}

/**
 * @param {string} text
 * @param {() => Promise<void>} act
 * @param {string} [label] where the text alone says too little
 */
function button(text, act, label = text) {
  const made = element('button', '', text);
  made.setAttribute('type', 'button');
  if (label !== text) made.setAttribute('aria-label', label);
  if (text.startsWith('Redrive')) made.dataset['redrive'] = '';
  made.addEventListener('click', () => {
    // Not `disabled`: that would take the focus away.
    if (made.getAttribute('aria-disabled') !== 'true') void act();
  });
  return made;
}

/**
 * @param {string} feed
 * @param {string | undefined} reason
 */
async function redrive(feed, reason) {
  const known = shown.get(feed);
  if (!known) return;
  const count = reason === undefined ? known.count : countOf(known, reason);
  const which = reason === undefined ? `of ${feed}` : `of ${feed} whose last failure is ${reason}`;
  const letters = `${known.isPartial ? 'More than ' : ''}${formatCountOf(count, 'dead letter')}`;
  const isMeant = await confirmRedrive({
    title: `Redrive ${count === 1 ? 'this dead letter' : 'these dead letters'}?`,
    text:
      `${letters} ${which} move from the DLQ back to the letters queue, and from there to ${known.api}, within its ` +
      `limit. Letters that fail again return to the DLQ. The accounts of the files are amended.`,
  });
  if (!isMeant) return;
  await tell(feed, async () => void (await startRedrive(feed, reason)));
}

/**
 * @param {DeadFeed} feed
 * @param {string} reason
 */
function countOf({ groups }, reason) {
  return groups.filter((group) => group.reason === reason).reduce((sum, group) => sum + group.count, 0);
}

/**
 * @param {string} feed
 * @param {string | undefined} reason
 */
async function save(feed, reason) {
  await tell(feed, () => saveExport(feed, reason));
}

/**
 * Does it, and says in the feed's place why it could not be done.
 * @param {string} feed
 * @param {() => Promise<void>} act
 */
async function tell(feed, act) {
  const block = byId('dead').querySelector(`[data-key="${CSS.escape(feed)}"]`);
  const trouble = block instanceof HTMLElement ? partOf(block, 'trouble') : byId('fault');
  trouble.hidden = true;
  try {
    await act();
  } catch (error) {
    setText(trouble, error instanceof RefusedError ? error.message : 'The control room does not answer.');
    trouble.hidden = false;
  }
}
