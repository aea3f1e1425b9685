/** @import { RateHistory } from '../rate-history.ts' */
/** @import { Place } from './router.js' */
import { read } from './api.js';
import { showApi } from './apis.js';
import { showControls } from './controls.js';
import { element, keepChildren, link, part, partOf, setText, table, viewHead, section } from './dom.js';
import { formatClock, formatMoment, formatRate } from './format.js';
import { rateChart } from './rate-chart.js';
import { knownState, momentOf } from './state.js';

/**
 * One API: how fast it was used in the last hours against its limit, and its pauses.
 * @param {HTMLElement} root
 * @param {Place} place
 * @param {AbortSignal} signal
 */
export function openApiView(root, { path: [api = ''] }, signal) {
  const { head, heading } = viewHead(api, link('#/', 'Overview'));
  const now = element('ul', 'plain');
  const controls = element('ul', 'controls');
  controls.setAttribute('aria-label', 'Sending');
  const chart = element('div', 'chart');
  const legend = element('p', 'legend quiet');
  const source = element('p', 'quiet');
  const pauses = element('ol', 'timeline');
  const { made, body } = table('Rate in each five minutes', [
    { title: 'From' },
    { title: 'Rate', className: 'number' },
    { title: 'Limit', className: 'number' },
  ]);
  const details = element('details', '', element('summary', '', 'The same as a table'), made);
  legend.append(
    element('span', '', element('i', 'swatch settled'), 'requests per second'),
    element('span', '', element('i', 'swatch line'), 'limit'),
    element('span', '', element('i', 'swatch pause'), 'pause'),
  );
  root.append(
    head,
    now,
    controls,
    section('The last six hours', chart, legend, source, details),
    section('Pauses', pauses),
  );
  /** @type {RateHistory | undefined} */
  let shown;
  const draw = () =>
    shown && chart.replaceChildren(rateChart(shown, Math.max(280, chart.clientWidth), momentOf().zone));
  window.addEventListener('resize', draw, { signal });
  return {
    title: `API ${api}`,
    everyMs: 15_000,
    read: async () => {
      shown = /** @type {RateHistory} */ (await read('/api/rates', { api }, signal));
      setText(heading, `API of ${shown.feeds.join(', ')}`);
      showApi(now, api, knownState()?.snapshot);
      const mine = (knownState()?.controls ?? []).filter((control) => control.api === api);
      showControls(controls, mine);
      draw();
      setText(source, sourceOf(shown));
      showPauses(pauses, shown);
      showBins(body, shown);
      return `API of ${shown.feeds.join(', ')}`;
    },
  };
}

/** @param {RateHistory} history */
function sourceOf({ counted_since: since }) {
  const derived = 'the times at which batches were finished, each spread over the time that it takes at the limit';
  if (since === null) return `Derived from ${derived}. The last minutes are not complete.`;
  return (
    `Since ${formatMoment(since, momentOf())} this control room counts the requests themselves, and sees pauses of the ` +
    `breaker and of the API; before, the rate is derived from ${derived}, and only pauses by people are known.`
  );
}

/**
 * @param {HTMLElement} list
 * @param {RateHistory} history
 */
function showPauses(list, { pauses }) {
  keepChildren(
    list,
    pauses,
    ({ from, text }) => `${from} ${text}`,
    () => element('li', '', part('at', element('span', 'quiet')), part('text', element('span'))),
    (row, { from, to, text }) => {
      const until = to === null ? 'now' : formatClock(to, momentOf().zone).slice(0, 5);
      setText(partOf(row, 'at'), `${formatClock(from, momentOf().zone).slice(0, 5)} to ${until}`);
      setText(partOf(row, 'text'), `${text.charAt(0).toUpperCase()}${text.slice(1)}`);
    },
  );
  list.dataset['empty'] = 'No pause is known.';
}

/**
 * @param {HTMLElement} body
 * @param {RateHistory} history
 */
function showBins(body, { bins, from, bin_seconds: seconds }) {
  const rows = bins.map((bin, index) => ({
    ...bin,
    at: new Date(Date.parse(from) + index * seconds * 1000).toISOString(),
  }));
  keepChildren(
    body,
    rows.reverse(),
    ({ at }) => at,
    ({ at }) => {
      const head = element('th', '', formatClock(at, momentOf().zone).slice(0, 5));
      head.setAttribute('scope', 'row');
      return element('tr', '', head, part('rate', element('td', 'number')), part('limit', element('td', 'number')));
    },
    (row, { per_second: rate, limit_per_second: limit }) => {
      setText(partOf(row, 'rate'), formatRate(rate));
      setText(partOf(row, 'limit'), limit === null ? 'none' : formatRate(limit));
    },
  );
}
