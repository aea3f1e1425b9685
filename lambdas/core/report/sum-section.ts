import { outcomes } from '../account/outcome.ts';
import type { Html } from './html.ts';
import { html } from './html.ts';
import { count } from './verdict.ts';

const meanings: Record<(typeof outcomes)[number], (sink: string) => string> = {
  uploaded: (sink) => `accepted by ${sink}`,
  duplicate: (sink) => `${sink} already had them`,
  unchanged: (sink) => `${sink} has them from an earlier revision, so they were not sent`,
  rejected: () => 'not valid, so never sent',
  refused: (sink) => `${sink} did not accept them`,
  exhausted: (sink) => `${sink} failed on them in every attempt`,
  held: () => 'never sent: the file was stopped or replaced',
};

type Counts = Record<`${(typeof outcomes)[number]}_records` | 'total_records', number>;

interface SumTexts {
  /** The sink's display name. */
  sink: string;
  /** What the total counts. */
  total: string;
  /** Beside the total. */
  proof: string;
}

export function sumSection(counts: Counts, { sink, total, proof }: SumTexts): Html {
  const rows = outcomes.map((outcome, n) => {
    const figure = counts[`${outcome}_records`];
    return html`<tr class="${figure === 0 ? 'none' : ''}">
      <th scope="row">${n === 0 ? '' : '+ '}${outcome}</th>
      <td class="figure">${count(figure)}</td>
      <td>${meanings[outcome](sink)}</td>
    </tr>`;
  });
  return html`<section aria-labelledby="sum">
    <h2 id="sum">The sum</h2>
    <table class="sum">
      <thead>
        <tr>
          <th scope="col">outcome</th>
          <th scope="col" class="figure">records</th>
          <th scope="col">meaning</th>
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
      <tfoot>
        <tr>
          <th scope="row">= ${total}</th>
          <td class="figure">${count(counts.total_records)}</td>
          <td>${proof}</td>
        </tr>
      </tfoot>
    </table>
  </section>`;
}
