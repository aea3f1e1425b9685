/** @import { ListedNight } from '../night-history.ts' */
/** @import { Place } from './router.js' */
import { read } from './api.js';
import {
  element,
  faultLine,
  keepChildren,
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
import { formatCount } from './format.js';
import { nightChart } from './night-chart.js';
import { addressOf } from './router.js';

/** How each verdict is emphasised. @type {Record<ListedNight['verdict'], string>} */
export const tones = { good: '', attention: 'warning', bad: 'alarm' };

/**
 * The nights of all feeds, the newest first, each with a small chart.
 * @param {HTMLElement} root
 * @param {Place} _place
 * @param {AbortSignal} signal
 */
export function openNightsView(root, _place, signal) {
  const { head } = viewHead('Nights');
  const said = element('p', 'total');
  said.setAttribute('role', 'status');
  const { made, body } = table('Nights', [
    { title: 'Night' },
    { title: 'Verdict' },
    { title: 'Records, time, dead letters' },
    { title: 'Files', className: 'number' },
    { title: 'Records', className: 'number' },
    { title: 'Dead', className: 'number' },
    { title: 'Deadline' },
  ]);
  const legend = element(
    'p',
    'quiet',
    'In each chart: above, the records against the largest of these nights; below, the time until the last file was done, ' +
      'against the deadline (the dashed line); right, the dead letters.',
  );
  const trouble = faultLine();
  root.append(head, trouble, said, made, legend);
  return {
    title: 'Nights',
    everyMs: 60_000,
    read: async () => {
      const answer = /** @type {{ nights: ListedNight[], faults: string[] }} */ (await read('/api/nights', {}, signal));
      const { nights, faults } = answer;
      setText(trouble, faults.join(' '));
      trouble.hidden = faults.length === 0;
      const most = Math.max(0, ...nights.map(({ sums }) => sums.total_records));
      keepChildren(
        body,
        nights,
        ({ hash }) => hash,
        createNight,
        (row, night) => updateNight(row, night, most),
      );
      made.hidden = nights.length === 0;
      legend.hidden = nights.length === 0;
      const none = 'No night has ended yet. Its entry is written five minutes after the deadline.';
      setText(said, nights.length === 0 ? none : `${formatCount(nights.length)} nights, the newest first.`);
    },
  };
}

function createNight() {
  const head = element('th', '', part('name', link('')), part('about', element('span', 'below')));
  head.setAttribute('scope', 'row');
  return element(
    'tr',
    '',
    named('Night', head),
    named('Verdict', part('verdict', element('td'))),
    named('Chart', part('chart', element('td', 'night-chart'))),
    named('Files', part('files', element('td', 'number'))),
    named('Records', part('records', element('td', 'number'))),
    named('Dead', part('dead', element('td', 'number'))),
    named('Deadline', part('deadline', element('td'))),
  );
}

/**
 * @param {HTMLElement} row
 * @param {ListedNight} night
 * @param {number} most
 */
function updateNight(row, night, most) {
  setText(partOf(row, 'name'), night.date);
  setHref(partOf(row, 'name'), addressOf(['night', night.feed, night.number]));
  setText(partOf(row, 'about'), `${night.feed}, night ${formatCount(night.number)}`);
  setText(partOf(row, 'verdict'), night.word);
  setClass(partOf(row, 'verdict'), tones[night.verdict]);
  partOf(row, 'chart').replaceChildren(nightChart(night, most));
  setText(partOf(row, 'files'), formatCount(night.files.received));
  setText(partOf(row, 'records'), formatCount(night.sums.total_records));
  const dead = night.sums.dead_lettered_records;
  setText(partOf(row, 'dead'), formatCount(dead));
  setClass(partOf(row, 'dead'), dead > 0 ? 'number warning' : 'number quiet');
  setText(partOf(row, 'deadline'), night.margin);
  setClass(partOf(row, 'deadline'), night.deadline?.met === false ? 'alarm' : 'quiet');
}
