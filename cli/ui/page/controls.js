/** @import { FeedControl } from '../feed-controls.ts' */
/** @import { ActionDone } from '../room-state.ts' */
import { send } from './api.js';
import { ask } from './ask.js';
import { button, element, keepChildren, link, part, partOf, setClass, setText } from './dom.js';
import { say } from './jobs.js';
import { addressOf } from './router.js';

/** @type {Map<string, FeedControl>} as they were shown last: what a button acts on */
const shown = new Map();

/**
 * A row for each feed: whether it is sent and how fast, and the buttons to change that.
 * @param {HTMLElement} list
 * @param {readonly FeedControl[]} controls
 */
export function showControls(list, controls) {
  for (const control of controls) shown.set(control.feed, control);
  keepChildren(list, controls, ({ feed }) => feed, createRow, updateRow);
}

/** @param {FeedControl} control */
function createRow({ feed, api }) {
  const of = () => /** @type {FeedControl} */ (shown.get(feed));
  const pause = part(
    'pause',
    button('Pause…', () => pauseFeed(of()), `Pause ${feed}`),
  );
  setClass(pause, 'stops');
  return element(
    'li',
    '',
    element('span', 'what', link(addressOf(['api', api]), feed), ' ', part('state', element('span', 'quiet'))),
    element(
      'span',
      'actions',
      pause,
      part(
        'resume',
        button('Resume…', () => resumeFeed(of()), `Resume ${feed}`),
      ),
      part(
        'limit',
        button('Limit…', () => limitFeed(of()), `Limit ${feed}`),
      ),
      part(
        'reset',
        button('Reset limit…', () => resetLimit(of()), `Reset the limit of ${feed}`),
      ),
    ),
  );
}

/**
 * @param {HTMLElement} row
 * @param {FeedControl} control
 */
function updateRow(row, { paused, limit, requests, is_limit_set: isSet }) {
  setText(partOf(row, 'state'), paused ?? limit ?? 'without a limit');
  setClass(partOf(row, 'state'), paused === null ? (isSet ? 'warning' : 'quiet') : 'alarm');
  partOf(row, 'pause').hidden = paused !== null;
  partOf(row, 'resume').hidden = paused === null;
  partOf(row, 'limit').hidden = requests === null;
  partOf(row, 'reset').hidden = !isSet;
}

/**
 * Of a feed, as it was shown last; undefined if it is not deployed, or not known yet.
 * @param {string} feed
 */
export const controlOf = (feed) => shown.get(feed);

/** @param {FeedControl} control */
export function pauseFeed({ feed, shared_with: others }) {
  const rest = others.length === 0 ? '' : ` ${others.join(', ')} at the same API continues.`;
  return ask({
    title: `Pause ${feed}?`,
    text: [
      `Within 30 seconds nothing more of ${feed} is sent: no records, no redriven letters, no corrections. Nothing is lost, ` +
        `and waiting does not count as failing.${rest} Deadlines may be missed.`,
    ],
    fields: [reason('Why it is paused')],
    confirm: 'Pause',
    stops: true,
    act: ({ why }) => done('/api/pause', { feed, why }),
  });
}

/** @param {FeedControl} control */
export function resumeFeed({ feed, paused }) {
  return ask({
    title: `Resume ${feed}?`,
    text: [
      `${paused ?? 'It is paused'}. It continues after a quarter of the pause, 15 minutes at most, within its limit.`,
    ],
    fields: [{ ...reason('Why it continues'), isOptional: true }],
    confirm: 'Resume',
    act: ({ why }) => done('/api/resume', { feed, why }),
  });
}

/** @param {FeedControl} control */
function limitFeed({ feed, zone, requests, limit, shared_with: others }) {
  if (!requests) return undefined;
  const { lowest, deployed, window_seconds: seconds, now } = requests;
  const shared = others.length === 0 ? '' : ` ${others.join(', ')} shares it.`;
  return ask({
    title: `Change the limit of ${feed}?`,
    text: [`Now ${limit}.${shared} A change applies within 5 seconds.`],
    fields: [
      {
        name: 'requests',
        label: `Requests in ${seconds} s`,
        kind: 'number',
        value: String(now),
        hint: `From ${lowest} to ${deployed}, as deployed.`,
      },
      {
        name: 'until',
        label: 'Until',
        kind: 'time',
        isOptional: true,
        hint: `A time of day such as 06:00, in ${zone}.`,
      },
      reason('Why it is changed'),
    ],
    confirm: 'Change the limit',
    act: ({ requests: wanted, until, why }) =>
      done('/api/limit', { feed, requests: Number(wanted), ...(until ? { until } : {}), why }),
  });
}

/** @param {FeedControl} control */
function resetLimit({ feed, limit, requests }) {
  return ask({
    title: `Reset the limit of ${feed}?`,
    text: [
      `Now ${limit}. The calendar applies again, or the deployed limit: ${requests?.deployed} requests in ${requests?.window_seconds} s.`,
    ],
    fields: [{ ...reason('Why'), isOptional: true }],
    confirm: 'Reset',
    act: ({ why }) => done('/api/limit/reset', { feed, why }),
  });
}

/** @param {string} label */
const reason = (label) => ({
  name: 'why',
  label,
  kind: /** @type {const} */ ('reason'),
  hint: 'Kept in the account, with your name.',
});

/**
 * Does it, and says what applies then.
 * @param {string} path
 * @param {unknown} wish
 */
export async function done(path, wish) {
  say(/** @type {ActionDone} */ (await send(path, wish)).text);
}
