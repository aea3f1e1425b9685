import { clockText } from '../deadlines/deadline-text.ts';
import type { Html } from './html.ts';
import { html } from './html.ts';
import type { TimelineChart } from './timeline.ts';
import { count } from './verdict.ts';

/**
 * Only shapes are drawn, and stretched to the page's width; labels are text beside them, which keeps its size on a phone.
 */
const plot = { width: 892, height: 178 };
/** Of a mark for records that were tried more than once. */
const markHeight = 7;

export interface ChartOptions {
  chart: TimelineChart;
  /** Requests per second; undefined without a limit. */
  limitPerSecond: number | undefined;
  timeZone: string | undefined;
  /** The sink's display name. */
  sink: string;
}

/** Accepted records per second over time, as SVG, and as a table for readers who can't see it. */
export function chartSection({ chart, limitPerSecond, timeZone, sink }: ChartOptions): Html {
  const { bins, widthMs, fromMs, pauses } = chart;
  const perSecond = (accepted: number): number => (accepted * 1000) / widthMs;
  const peak = Math.max(...bins.map(({ accepted }) => perSecond(accepted)));
  const top = niceCeiling(Math.max(peak, limitPerSecond ?? 0) * 1.05);
  const x = (index: number): number => round((index * plot.width) / bins.length);
  const y = (rate: number): number => round(plot.height * (1 - rate / top));
  const barWidth = Math.max(0.5, round((plot.width / bins.length) * 0.92));
  const place = (atMs: number): number => x((atMs - fromMs) / widthMs);
  const retried = bins.reduce((sum, bin) => sum + bin.retried, 0);
  const time = (atMs: number): string => clockText(atMs, timeZone, atMs);
  const endMs = fromMs + bins.length * widthMs;
  const floor = y(0);
  const words = [
    `Up to ${count(Math.round(peak))} records a second were accepted by ${sink}`,
    limitPerSecond === undefined ? '' : `; it allows ${rateText(limitPerSecond)}`,
    `. ${pauses.length === 0 ? 'There was no gap.' : pausesText(pauses, time)}`,
    retried === 0 ? ' None needed a retry.' : ` ${count(retried)} needed more than one try.`,
    timeZone === undefined ? '' : ` Times are those of ${timeZone}.`,
  ].join('');
  const axis = [top, top / 2, 0].map((rate) => html`<span>${count(round(rate))}</span>`);
  return html`<figure>
      <div class="chart">
        <div class="axis" aria-hidden="true">${axis}</div>
        <svg
          viewBox="0 0 ${plot.width} ${plot.height}"
          preserveAspectRatio="none"
          role="img"
          aria-labelledby="chart-title chart-words"
        >
          <title id="chart-title">Records accepted per second, from ${time(fromMs)} to ${time(endMs)}</title>
          <desc id="chart-words">${words}</desc>
          ${pauses.map((pause) => {
            const from = place(pause.fromMs);
            return html`<rect
              class="pause"
              x="${from}"
              y="0"
              width="${round(place(pause.toMs) - from)}"
              height="${plot.height}"
            />`;
          })}
          ${[0, 0.5, 1].map((share) => html`<line class="grid" x1="0" x2="${plot.width}" y1="${y(top * share)}" y2="${y(top * share)}" />`)}
          ${bins.map((bin, index) => {
            if (bin.accepted === 0) return undefined;
            const barTop = y(perSecond(bin.accepted));
            return html`<rect
              class="bar"
              x="${x(index)}"
              y="${barTop}"
              width="${barWidth}"
              height="${round(floor - barTop)}"
            />`;
          })}
          ${bins.map((bin, index) =>
            bin.retried === 0
              ? undefined
              : html`<rect
                  class="retry"
                  x="${x(index)}"
                  y="${floor - markHeight}"
                  width="${Math.max(3, barWidth)}"
                  height="${markHeight}"
                  ><title>${count(bin.retried)} tried more than once, ${time(fromMs + index * widthMs)}</title></rect
                >`,
          )}
          ${limitPerSecond === undefined ? undefined : html`<line class="limit" x1="0" x2="${plot.width}" y1="${y(limitPerSecond)}" y2="${y(limitPerSecond)}" />`}
        </svg>
        <div class="hours" aria-hidden="true"><span>${time(fromMs)}</span><span>${time(endMs)}</span></div>
      </div>
      <figcaption>
        <p>${words}</p>
        <p class="legend">
          <span><i class="key bar"></i> records per second</span
          >${limitPerSecond === undefined ? undefined : html`<span><i class="key limit"></i> the API’s limit, ${rateText(limitPerSecond)}</span>`}${pauses.length > 0 ? html`<span><i class="key pause"></i> nothing accepted</span>` : undefined}${retried > 0 ? html`<span><i class="key retry"></i> tried more than once</span>` : undefined}
        </p>
        <p class="note">
          From the receipts: they say when a record was accepted and how often it was tried, not why nothing was
          accepted for a while (${sink} asked for a pause, the breaker was open, or other files went first).
        </p>
      </figcaption>
    </figure>
    <details>
      <summary>The same as a table</summary>
      ${binsTable(chart, time)}
    </details>`;
}

/** Maximum rows of the table: with more bins, some are joined. */
const maxTableRows = 60;

function binsTable({ bins, widthMs, fromMs }: TimelineChart, time: (atMs: number) => string): Html {
  const step = Math.ceil(bins.length / maxTableRows);
  const rows = Array.from({ length: Math.ceil(bins.length / step) }, (_, row) => {
    const some = bins.slice(row * step, (row + 1) * step);
    const sum = (of: 'accepted' | 'retried'): string => count(some.reduce((total, bin) => total + bin[of], 0));
    const seconds = (Math.floor((fromMs + row * step * widthMs) / 1000) % 60).toString().padStart(2, '0');
    return html`<tr>
      <th scope="row">${time(fromMs + row * step * widthMs).replace(/(\d\d:\d\d)/, `$1:${seconds}`)}</th>
      <td class="figure">${sum('accepted')}</td>
      <td class="figure">${sum('retried')}</td>
    </tr>`;
  });
  return html`<div class="wide">
    <table>
      <thead>
        <tr>
          <th scope="col">from</th>
          <th scope="col" class="figure">accepted</th>
          <th scope="col" class="figure">of these, tried more than once</th>
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`;
}

function pausesText(pauses: TimelineChart['pauses'], time: (atMs: number) => string): string {
  const [first] = pauses;
  const seconds = Math.round(pauses.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0) / 1000);
  const many = pauses.length === 1 ? 'once' : `${count(pauses.length)} times`;
  return `Nothing was accepted for a while ${many}, ${count(seconds)} s in all, first at ${time(first?.fromMs ?? 0)}.`;
}

function rateText(perSecond: number): string {
  return perSecond >= 1 ? `${count(round(perSecond))} a second` : `${count(round(perSecond * 60))} a minute`;
}

/** 1, 2 or 5 times a power of ten. */
function niceCeiling(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1e-3)));
  return [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= value) ?? value;
}

const round = (value: number): number => Math.round(value * 100) / 100;
