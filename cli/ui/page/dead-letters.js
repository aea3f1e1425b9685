/** @import { DeadGroup, Snapshot } from '../../live/snapshot.ts' */
/** @import { Job } from '../room-state.ts' */
import { faultOf, saveExport, startRedrive } from './api.js';
import { ask } from './ask.js';
import { button, byId, element, faultLine, keepChildren, link, part, partOf, setHref, setText } from './dom.js';
import { formatCount, formatCountOf } from './format.js';
import { addressOf } from './router.js';

/**
 * @typedef {object} DeadFeed a feed with dead letters
 * @property {string} feed
 * @property {DeadGroup[]} groups
 * @property {number} count
 * @property {boolean} isPartial
 * @property {string[]} outlook what a redrive of all can be expected to do
 * @property {string} api
 * @property {boolean} isRedriven
 */

/** @type {Map<string, DeadFeed>} as they were shown last, by feed: what a button acts on */
let shown = new Map();

/**
 * @param {Snapshot} snapshot
 * @param {readonly Job[]} jobs
 */
export function showDeadLetters(snapshot, jobs) {
  const feeds = deadFeedsOf(snapshot, jobs);
  shown = new Map(feeds.map((feed) => [feed.feed, feed]));
  keepChildren(byId('dead'), feeds, ({ feed }) => feed, createFeed, updateFeed);
  byId('dead-none').hidden = feeds.length > 0;
}

/**
 * @param {Snapshot} snapshot
 * @param {readonly Job[]} jobs
 * @returns {DeadFeed[]}
 */
function deadFeedsOf(snapshot, jobs) {
  const { dead_letters: groups, dead_letters_are_partial: isPartial, queues, apis } = snapshot;
  const inDlq = queues.filter(({ queue, dead_messages: count }) => queue === 'letters' && count > 0);
  const names = [...groups, ...inDlq].map(({ feed }) => feed);
  return [...new Set(names)].sort().map((feed) => {
    const mine = groups.filter((group) => group.feed === feed);
    return {
      feed,
      groups: mine,
      count: mine.reduce((sum, group) => sum + group.count, 0),
      isPartial,
      outlook: snapshot.redrive_outlooks.find((each) => each.feed === feed)?.sentences ?? [],
      api: apis.find(({ feeds }) => feeds.includes(feed))?.url ?? 'the record ledger',
      isRedriven: jobs.some((job) => job.kind === 'redrive' && job.feed === feed && job.state === 'running'),
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
      link(addressOf(['dead'], { feed }), 'Show each…'),
      redriveButton('Redrive all…', () => redrive(feed, undefined)),
      button('Export CSV', () => save(feed, undefined)),
    ),
  );
  const groups = part('groups', element('ul', 'groups'));
  groups.setAttribute('aria-label', `Dead letters of ${feed} by reason`);
  const trouble = faultLine();
  return element('div', 'feed', head, trouble, groups);
}

/**
 * @param {HTMLElement} block
 * @param {DeadFeed} feed
 */
function updateFeed(block, { groups, feed, count, isPartial, isRedriven }) {
  setText(
    partOf(block, 'title'),
    `${feed}: ${isPartial ? 'more than ' : ''}${formatCountOf(count, 'open dead letter')}`,
  );
  const keyOf = (/** @type {DeadGroup} */ { outcome, reason }) => `${outcome} ${reason}`;
  keepChildren(partOf(block, 'groups'), groups, keyOf, createGroup, updateGroup);
  for (const each of block.querySelectorAll('[data-redrive]')) each.setAttribute('aria-disabled', String(isRedriven));
}

/** @param {DeadGroup} group */
function createGroup({ feed, outcome, reason }) {
  const actions =
    outcome === 'unknown'
      ? []
      : [
          redriveButton('Redrive…', () => redrive(feed, reason), `Redrive ${reason}`),
          button('Export', () => save(feed, reason), `Export ${reason}`),
        ];
  const name = outcome === 'unknown' ? element('span') : link('');
  return element(
    'li',
    '',
    part('count', element('span', 'number count')),
    element('span', 'reason', part('reason', name), part('outcome', element('span', 'quiet'))),
    element('span', 'actions', ...actions),
  );
}

/**
 * @param {HTMLElement} row
 * @param {DeadGroup} group
 */
function updateGroup(row, { feed, count, reason, outcome }) {
  setText(partOf(row, 'count'), formatCount(count));
  setText(partOf(row, 'reason'), reason);
  if (outcome !== 'unknown') setHref(partOf(row, 'reason'), addressOf(['dead'], { feed, reason }));
  setText(partOf(row, 'outcome'), outcome);
}

/**
 * @param {string} text
 * @param {() => Promise<void>} act
 * @param {string} [label] where the text alone says too little
 */
function redriveButton(text, act, label = text) {
  const made = button(text, act, label);
  made.dataset['redrive'] = '';
  return made;
}

/**
 * @param {string} feed
 * @param {string | undefined} reason
 */
async function redrive(feed, reason) {
  const known = shown.get(feed);
  if (!known) return;
  const groups = known.groups.filter((group) => reason === undefined || group.reason === reason);
  const count = groups.reduce((sum, group) => sum + group.count, 0);
  const outlook = reason === undefined ? known.outlook : groups.map((group) => group.outlook);
  await askRedrive({ choice: { feed, reason }, count, outlook, isPartial: known.isPartial, api: known.api });
}

/**
 * Asks whether it is meant: what happens, with how many letters, and which of them can succeed.
 * @param {{ choice: import('./api.js').DeadChoice, count: number, outlook: string[], isPartial: boolean, api: string }} of
 */
export function askRedrive({ choice, count, outlook, isPartial, api }) {
  const { feed, reason, field, file, text } = choice;
  const which = [
    `of ${feed}`,
    reason === undefined ? '' : `whose last failure is ${reason}`,
    field === undefined ? '' : field === '-' ? 'without a field' : `with the field ${field}`,
    file === undefined ? '' : `of the file ${file}`,
    text ? `that contain “${text}”` : '',
  ].filter((part) => part !== '');
  const letters = `${isPartial ? 'More than ' : ''}${formatCountOf(count, 'dead letter')}`;
  const verb = count === 1 ? 'moves' : 'move';
  return ask({
    title: `Redrive ${count === 1 ? 'this dead letter' : 'these dead letters'}?`,
    text: [
      `${letters} ${which.join(', ')} ${verb} from the DLQ back to the letters queue, and from there to ${api}, within ` +
        `its limit. Letters that fail again return to the DLQ. The accounts of the files are amended.`,
      ...outlook,
    ],
    confirm: 'Redrive',
    act: () => startRedrive(choice),
  });
}

/**
 * @param {string} feed
 * @param {string | undefined} reason
 */
async function save(feed, reason) {
  const block = byId('dead').querySelector(`[data-key="${CSS.escape(feed)}"]`);
  const trouble = block instanceof HTMLElement ? partOf(block, 'trouble') : byId('fault');
  trouble.hidden = true;
  try {
    await saveExport({ feed, reason });
  } catch (error) {
    setText(trouble, faultOf(error));
    trouble.hidden = false;
  }
}
