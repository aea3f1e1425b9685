/** @import { RateHistory } from '../rate-history.ts' */
import { formatClock, formatRate } from './format.js';
import { svg } from './svg.js';

const height = 200;
const margin = { left: 44, right: 8, top: 16, bottom: 24 };

/**
 * Draws the bins as bars, the limit as a line, pauses as bands; in pixels of the given width, so that labels keep their
 * size on a phone.
 * @param {RateHistory} history
 * @param {number} width
 * @param {string} zone
 */
export function rateChart(history, width, zone) {
  const { bins, pauses } = history;
  const [from, to] = [Date.parse(history.from), Date.parse(history.to)];
  const limits = bins.map(({ limit_per_second: limit }) => limit ?? 0);
  const top = Math.max(...limits, ...bins.map(({ per_second: rate }) => rate), 0.1) * 1.1;
  const plot = { width: width - margin.left - margin.right, height: height - margin.top - margin.bottom };
  const x = (/** @type {number} */ at) =>
    margin.left + ((Math.min(Math.max(at, from), to) - from) / (to - from)) * plot.width;
  const y = (/** @type {number} */ rate) => margin.top + plot.height * (1 - rate / top);
  const binWidth = plot.width / bins.length;
  const made = svg('svg', {
    viewBox: `0 0 ${width} ${height}`,
    width,
    height,
    role: 'img',
    'aria-label': wordsOf(history, zone),
  });
  for (const pause of pauses) {
    const begin = x(Date.parse(pause.from));
    const end = x(pause.to === null ? to : Date.parse(pause.to));
    const band = svg('rect', {
      class: 'pause',
      x: begin,
      y: margin.top,
      width: Math.max(2, end - begin),
      height: plot.height,
    });
    band.append(svg('title', {}, pause.text));
    made.append(band);
  }
  for (const share of [0, 0.5, 1]) {
    const rate = (top / 1.1) * share;
    made.append(svg('line', { class: 'grid', x1: margin.left, x2: width - margin.right, y1: y(rate), y2: y(rate) }));
    made.append(svg('text', { class: 'tick', x: margin.left - 6, y: y(rate) + 4, 'text-anchor': 'end' }, tick(rate)));
  }
  bins.forEach(({ per_second: rate }, index) => {
    if (rate === 0) return;
    made.append(
      svg('rect', {
        class: 'rate',
        x: margin.left + index * binWidth,
        y: y(rate),
        width: Math.max(1, binWidth - 1),
        height: y(0) - y(rate),
      }),
    );
  });
  const line = bins.flatMap(({ limit_per_second: limit }, index) =>
    limit === null
      ? []
      : [`${margin.left + index * binWidth},${y(limit)}`, `${margin.left + (index + 1) * binWidth},${y(limit)}`],
  );
  if (line.length > 0) made.append(svg('polyline', { class: 'limit', points: line.join(' ') }));
  const stepHours = width < 500 ? 2 : 1;
  for (let at = Math.ceil(from / 3_600_000) * 3_600_000; at <= to; at += stepHours * 3_600_000) {
    made.append(
      svg(
        'text',
        { class: 'tick', x: Math.min(x(at), width - 20), y: height - 6, 'text-anchor': 'middle' },
        formatClock(new Date(at).toISOString(), zone).slice(0, 5),
      ),
    );
  }
  return made;
}

/**
 * @param {RateHistory} history
 * @param {string} zone
 */
function wordsOf({ bins, from, to }, zone) {
  const peak = Math.max(...bins.map(({ per_second: rate }) => rate));
  const limit = bins.at(-1)?.limit_per_second ?? null;
  const allowed = limit === null ? '' : ` The limit now is ${formatRate(limit)}.`;
  return `Rate from ${formatClock(from, zone).slice(0, 5)} to ${formatClock(to, zone).slice(0, 5)}: at most ${formatRate(peak)} in five minutes.${allowed}`;
}

const tick = (/** @type {number} */ rate) =>
  rate >= 10 ? String(Math.round(rate)) : rate.toFixed(1).replace(/\.0$/, '');
