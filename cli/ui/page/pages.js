import { element, link } from './dom.js';
import { formatCount } from './format.js';

/**
 * Links to the pages before and after.
 * @param {HTMLElement} target
 * @param {{ page: number, pages: number }} shown
 * @param {(page: number) => string} addressOfPage
 */
export function showPages(target, { page, pages }, addressOfPage) {
  target.hidden = pages === 1;
  const to = (/** @type {number} */ number, /** @type {string} */ text) =>
    number < 1 || number > pages ? element('span', 'quiet', text) : link(addressOfPage(number), text);
  target.replaceChildren(
    to(page - 1, 'Previous'),
    element('span', '', `Page ${formatCount(page)} of ${formatCount(pages)}`),
    to(page + 1, 'Next'),
  );
}
