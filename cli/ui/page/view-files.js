/** @import { ClosedPage } from '../closed-page.ts' */
/** @import { ClosedFile } from '../../live/snapshot.ts' */
/** @import { Place } from './router.js' */
import { read } from './api.js';
import {
  element,
  keepChildren,
  labelled,
  link,
  named,
  part,
  partOf,
  setClass,
  setHref,
  setText,
  table,
  viewHead,
} from './dom.js';
import { formatCount, formatMoment, laneOf } from './format.js';
import { addressOf, fileAddress } from './router.js';
import { knownState, momentOf } from './state.js';

const states = ['completed', 'quarantined', 'failed', 'duplicate', 'superseded'];

/**
 * The closed files, the newest first: search, filters and pages.
 * @param {HTMLElement} root
 * @param {Place} place
 * @param {AbortSignal} signal
 */
export function openFilesView(root, { query }, signal) {
  const given = Object.fromEntries(query);
  const { head } = viewHead('Closed files');
  const filters = filtersOf(given);
  const said = element('p', 'total');
  said.setAttribute('role', 'status');
  const { made, body } = table('Closed files', [
    { title: 'File' },
    { title: 'Verdict' },
    { title: 'Records', className: 'number' },
    { title: 'Dead', className: 'number' },
    { title: 'Closed' },
  ]);
  const pages = element('nav', 'pages');
  pages.setAttribute('aria-label', 'Pages');
  root.append(head, filters.made, said, made, pages);
  return {
    title: 'Closed files',
    everyMs: 30_000,
    read: async () => {
      filters.showFeeds();
      const page = /** @type {ClosedPage} */ (await read('/api/files', given, signal));
      keepChildren(body, page.files, ({ file_id: id }) => id, createFile, updateFile);
      made.hidden = page.files.length === 0;
      setText(said, saidOf(page));
      const later =
        page.next === null
          ? element('span', 'quiet', 'No older files')
          : link(addressOf(['files'], { ...given, before: page.next }), 'Older');
      const newest =
        given['before'] === undefined
          ? element('span', 'quiet', 'Newest')
          : link(addressOf(['files'], { ...given, before: '' }), 'Newest');
      pages.replaceChildren(newest, later);
    },
  };
}

/** @param {ClosedPage} page */
function saidOf({ files, searched_back_to: backTo }) {
  const count =
    files.length === 0
      ? 'No closed file matches'
      : `${formatCount(files.length)} ${files.length === 1 ? 'file' : 'files'}`;
  return backTo === null ? `${count}.` : `${count}, received since ${formatMoment(backTo, momentOf())}.`;
}

/** @param {Record<string, string>} given */
function filtersOf(given) {
  const search = /** @type {HTMLInputElement} */ (element('input'));
  search.type = 'search';
  search.value = given['text'] ?? '';
  const feed = /** @type {HTMLSelectElement} */ (element('select'));
  const state = /** @type {HTMLSelectElement} */ (element('select'));
  const go = () =>
    (location.hash = addressOf(['files'], { text: search.value.trim(), feed: feed.value, state: state.value }));
  for (const each of [search, feed, state]) each.addEventListener('change', go);
  const options = (
    /** @type {HTMLSelectElement} */ target,
    /** @type {string} */ all,
    /** @type {readonly string[]} */ values,
    /** @type {string} */ selected,
  ) => {
    if (target.options.length === values.length + 1) return;
    const made = ['', ...values].map((value) => {
      const option = /** @type {HTMLOptionElement} */ (element('option', '', value === '' ? all : value));
      option.value = value;
      return option;
    });
    target.replaceChildren(...made);
    target.value = selected;
  };
  options(state, 'any', states, given['state'] ?? '');
  const showFeeds = () =>
    options(
      feed,
      'all feeds',
      (knownState()?.snapshot.apis ?? []).flatMap(({ feeds }) => feeds),
      given['feed'] ?? '',
    );
  showFeeds();
  const made = element(
    'div',
    'filters',
    labelled('Search name or id', search),
    labelled('Feed', feed),
    labelled('State', state),
  );
  made.setAttribute('role', 'search');
  return { made, showFeeds };
}

/** A row of a list of closed files. */
export function createFile() {
  const head = element('th', '', part('name', link('')), part('about', element('span', 'below')));
  head.setAttribute('scope', 'row');
  return element(
    'tr',
    '',
    named('File', head),
    named('Verdict', part('verdict', element('td'))),
    named('Records', part('records', element('td', 'number'))),
    named('Dead', part('dead', element('td', 'number'))),
    named('Closed', part('ago', element('td', 'quiet'))),
  );
}

/**
 * @param {HTMLElement} row
 * @param {ClosedFile} file
 */
export function updateFile(row, file) {
  setText(partOf(row, 'name'), file.name);
  setHref(partOf(row, 'name'), fileAddress(file.file_id));
  setText(partOf(row, 'about'), [laneOf(file), file.file_id].join(' · '));
  setText(partOf(row, 'verdict'), file.verdict);
  setClass(partOf(row, 'verdict'), file.tone);
  setText(partOf(row, 'records'), formatCount(file.total_records ?? 0));
  const dead = file.dead_lettered_records;
  setText(partOf(row, 'dead'), formatCount(dead));
  setClass(partOf(row, 'dead'), dead > 0 ? 'number warning' : 'number quiet');
  setText(partOf(row, 'ago'), formatMoment(file.completed ?? file.updated, momentOf()));
}
