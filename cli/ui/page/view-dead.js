/** @import { Choice, DeadPage } from '../dead-page.ts' */
/** @import { DeadChoice } from './api.js' */
/** @import { Place } from './router.js' */
import { faultOf, read, readState, saveExport } from './api.js';
import { askRedrive } from './dead-letters.js';
import { showPages } from './pages.js';
import { deadRows } from './dead-rows.js';
import { button, element, faultLine, labelled, link, part, setText, viewHead } from './dom.js';
import { formatClock, formatCount, formatCountOf } from './format.js';
import { addressOf } from './router.js';
import { knownState, momentOf } from './state.js';

/**
 * The list of dead letters: search, filters, pages, and what can be done with all that match.
 * @param {HTMLElement} root
 * @param {Place} place
 * @param {AbortSignal} signal
 */
export function openDeadView(root, { query }, signal) {
  const given = Object.fromEntries(query);
  const { head } = viewHead('Dead letters');
  const rows = deadRows('Dead letters');
  const total = part('total', element('p', 'total'));
  total.setAttribute('role', 'status');
  const pages = part('pages', element('nav', 'pages'));
  pages.setAttribute('aria-label', 'Pages');
  const trouble = faultLine();
  /** @type {DeadPage | undefined} */
  let shown;
  const filters = filtersOf(given);
  const acts = element(
    'p',
    'actions start',
    button('Redrive these…', () => shown && redrive(shown, given)),
    button('Export these as CSV', () => void save(choiceOf(given, shown?.feed ?? ''), trouble)),
    link('#/import', 'Import a corrected CSV…'),
  );
  root.append(head, filters.made, total, acts, trouble, rows.made, pages);
  return {
    title: 'Dead letters',
    everyMs: 15_000,
    read: async () => {
      const feeds = await feedsOf();
      const feed = given['feed'] ?? feeds[0] ?? '';
      filters.showFeeds(feeds, feed);
      if (feed === '') return setText(total, 'No dead letter needs attention.');
      if (!shown) setText(total, 'Reading the dead letters…');
      shown = /** @type {DeadPage} */ (await read('/api/dead', { ...given, feed }, signal));
      filters.show(shown, given);
      rows.show(shown.entries);
      setText(total, totalOf(shown));
      showPages(pages, shown, (page) => addressOf(['dead'], { ...given, page }));
    },
  };
}

/** The feeds that have dead letters first. */
async function feedsOf() {
  const { snapshot } = knownState() ?? (await readState());
  const all = (snapshot?.apis ?? []).flatMap(({ feeds }) => feeds);
  const dead = (snapshot?.dead_letters ?? []).map(({ feed }) => feed);
  return [...new Set([...dead, ...all])];
}

/** @param {DeadPage} page */
function totalOf({ matching, is_partial: isPartial, at, page, pages }) {
  if (matching === 0) return 'No dead letter matches.';
  const more = isPartial ? 'More than ' : '';
  const where = pages === 1 ? '' : `, page ${formatCount(page)} of ${formatCount(pages)}`;
  return `${more}${formatCountOf(matching, 'dead letter')}${where}, as of ${formatClock(at, momentOf().zone)}`;
}

/** @param {Record<string, string>} given what the address selects */
function filtersOf(given) {
  const search = /** @type {HTMLInputElement} */ (element('input'));
  search.type = 'search';
  search.value = given['text'] ?? '';
  const selects = { feed: select(), reason: select(), field: select(), file: select() };
  /** @param {Record<string, string | undefined>} change */
  const go = (change) => {
    location.hash = addressOf(['dead'], { ...given, page: '', ...change });
  };
  search.addEventListener('change', () => go({ text: search.value.trim() }));
  for (const [name, each] of Object.entries(selects)) {
    each.addEventListener('change', () =>
      name === 'feed' ? go({ feed: each.value, reason: '', field: '', file: '' }) : go({ [name]: each.value }),
    );
  }
  const made = element(
    'div',
    'filters',
    labelled('Search record, sentence, answer or id', search),
    labelled('Feed', selects.feed),
    labelled('Reason', selects.reason),
    labelled('Field', selects.field),
    labelled('File', selects.file),
  );
  made.setAttribute('role', 'search');
  return {
    made,
    /**
     * @param {readonly string[]} feeds
     * @param {string} feed
     */
    showFeeds: (feeds, feed) =>
      showChoices(
        selects.feed,
        undefined,
        feeds.map((name) => ({ value: name, name, count: -1 })),
        feed,
      ),
    /**
     * @param {DeadPage} page
     * @param {Record<string, string>} selected
     */
    show: ({ reasons, fields, files }, selected) => {
      showChoices(selects.reason, 'all reasons', reasons, selected['reason'] ?? '');
      showChoices(selects.field, 'all fields', fields, selected['field'] ?? '');
      showChoices(selects.file, 'all files', files, selected['file'] ?? '');
    },
  };
}

const select = () => /** @type {HTMLSelectElement} */ (element('select'));

/**
 * @param {HTMLSelectElement} target
 * @param {string | undefined} all what the choice of none is called
 * @param {readonly Choice[]} choices
 * @param {string} selected
 */
function showChoices(target, all, choices, selected) {
  // Not while it is open.
  if (document.activeElement === target && target.options.length > 0) return;
  const options = choices.map(({ value, name, count }) =>
    optionOf(value, count < 0 ? name : `${name} (${formatCount(count)})`),
  );
  target.replaceChildren(...(all === undefined ? [] : [optionOf('', all)]), ...options);
  target.value = selected;
}

/**
 * @param {string} value
 * @param {string} name
 */
function optionOf(value, name) {
  const option = /** @type {HTMLOptionElement} */ (element('option', '', name));
  option.value = value;
  return option;
}

/**
 * @param {Record<string, string>} given
 * @param {string} feed
 * @returns {DeadChoice}
 */
function choiceOf({ reason, field, file, text }, feed) {
  return { feed, reason, field, file, text };
}

/**
 * @param {DeadPage} shown
 * @param {Record<string, string>} given
 */
function redrive({ feed, matching, outlook, is_partial: isPartial }, given) {
  if (matching === 0) return;
  const api = knownState()?.snapshot.apis.find(({ feeds }) => feeds.includes(feed))?.url ?? 'the record ledger';
  void askRedrive({ choice: choiceOf(given, feed), count: matching, outlook, isPartial, api });
}

/**
 * @param {DeadChoice} choice
 * @param {HTMLElement} trouble
 */
async function save(choice, trouble) {
  trouble.hidden = true;
  try {
    await saveExport(choice);
  } catch (error) {
    setText(trouble, faultOf(error));
    trouble.hidden = false;
  }
}
