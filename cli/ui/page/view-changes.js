/** @import { ChangesPage } from '../changes-page.ts' */
/** @import { Place } from './router.js' */
import { pathOf, read } from './api.js';
import { changeRows } from './change-rows.js';
import { element, labelled, link, part, setText, viewHead } from './dom.js';
import { formatCount, formatCountOf } from './format.js';
import { showPages } from './pages.js';
import { addressOf, fileAddress } from './router.js';

const kinds = /** @type {const} */ (['removed', 'changed', 'new']);

/**
 * What a revision changes, page by page.
 * @param {HTMLElement} root
 * @param {Place} place
 * @param {AbortSignal} signal
 */
export function openChangesView(root, { path: [file = ''], query }, signal) {
  const given = Object.fromEntries(query);
  const { head } = viewHead('What changed', link(fileAddress(file), 'The file'));
  const only = /** @type {HTMLSelectElement} */ (element('select'));
  for (const value of ['', ...kinds]) {
    const option = /** @type {HTMLOptionElement} */ (element('option', '', value === '' ? 'all' : value));
    option.value = value;
    only.append(option);
  }
  only.value = given['only'] ?? '';
  only.addEventListener('change', () => {
    location.hash = addressOf(['changes', file], { only: only.value });
  });
  const filters = element('div', 'filters', labelled('Show', only));
  filters.setAttribute('role', 'search');
  const counts = element('p', 'lead');
  const total = part('total', element('p', 'total'));
  total.setAttribute('role', 'status');
  const note = element('p', 'quiet');
  const rows = changeRows('What changed');
  const pages = part('pages', element('nav', 'pages'));
  pages.setAttribute('aria-label', 'Pages');
  const save = element('p', 'actions start', savedList(file));
  root.append(head, counts, filters, total, rows.made, pages, note, save);
  return {
    title: 'What changed',
    // The list never changes; a held file that is released may get another one.
    everyMs: 60_000,
    read: async () => {
      const page = /** @type {ChangesPage} */ (await read('/api/changes', { file, ...given }, signal));
      setText(counts, `${page.counts}, compared with ${page.compared_with}.`);
      setText(total, totalOf(page));
      setText(note, page.note);
      rows.show(page.rows);
      showPages(pages, page, (number) => addressOf(['changes', file], { ...given, page: number }));
    },
  };
}

/** @param {string} file */
export function savedList(file) {
  const made = link(pathOf('/api/document', { file, kind: 'changes' }), 'Save the whole list as a CSV');
  made.download = '';
  return made;
}

/** @param {ChangesPage} page */
function totalOf({ matching, page, pages }) {
  if (matching === 0) return 'There is nothing of this kind.';
  const where = pages === 1 ? '' : `, page ${formatCount(page)} of ${formatCount(pages)}`;
  return `${formatCountOf(matching, 'record')}${where}`;
}
