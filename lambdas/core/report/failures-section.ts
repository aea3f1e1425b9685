import type { Manifest } from '../account/manifest.ts';
import type { Html } from './html.ts';
import { html } from './html.ts';
import type { DeadRow, DeadState, FailureGroup, ReportFacts } from './report-facts.ts';
import { count, records } from './verdict.ts';

export function failuresSection(facts: ReportFacts): Html | undefined {
  if (facts.failed === 0) return undefined;
  return html`<section aria-labelledby="failures">
    <h2 id="failures">What failed, by reason</h2>
    ${facts.groups.map(groupBlock)}
  </section>`;
}

function groupBlock({ reason, field, count: failed, open, examples }: FailureGroup): Html {
  const where = field === '' ? '' : ` in ${field}`;
  const still = open === failed ? 'all open' : open === 0 ? 'none open any more' : `${count(open)} still open`;
  return html`<h3>${reason}${where}: ${records(failed)}, ${still}</h3>
    <ul class="examples">
      ${examples.map((row) => html`<li>record ${count(row.record)}: ${row.error}<span class="raw">${row.raw}</span></li>`)}
    </ul>`;
}

const stateText: Record<DeadState, { word: string; kind: string }> = {
  open: { word: 'open', kind: 'attention' },
  uploaded: { word: 'accepted since', kind: 'good' },
  duplicate: { word: 'duplicate', kind: 'good' },
  handled: { word: 'settled by hand', kind: 'good' },
};

/** Each failed record, as far as the page has room. */
export function lettersSection(facts: ReportFacts, { archive }: Manifest): Html | undefined {
  const { rows, failed } = facts;
  if (failed === 0) return undefined;
  const hasNames = rows.some(({ name }) => name !== '');
  const states = [...new Set(rows.map(({ state }) => state))];
  const more = failed - rows.length;
  return html`<section aria-labelledby="dead">
    <h2 id="dead">Dead letters</h2>
    <div class="controls" id="controls" hidden>
      <label for="filter-text">Show rows with<input id="filter-text" type="search" autocomplete="off" /></label>
      <label for="filter-state"
        >State<select id="filter-state">
          <option value="">any</option>
          ${states.map((state) => html`<option value="${state}">${stateText[state].word}</option>`)}
        </select></label
      >
      <span id="shown" role="status"></span>
    </div>
    <p class="filtered" id="filtered" hidden></p>
    <div class="wide" tabindex="0" role="region" aria-labelledby="dead">
      <table class="letters" id="letters">
        <caption>
          ${more > 0 ? `The first ${count(rows.length)} of ${count(failed)}; all are in ${archive.dead_letters_key ?? 'the archive'}.` : `All ${count(failed)} of the file.`}
        </caption>
        <thead>
          <tr>
            <th scope="col" class="figure">record</th>
            <th scope="col" class="figure">line</th>
            ${hasNames ? html`<th scope="col">id</th>` : undefined}
            <th scope="col">state</th>
            <th scope="col">outcome</th>
            <th scope="col">reason</th>
            <th scope="col">what is wrong</th>
            <th scope="col">as it is in the file</th>
          </tr>
        </thead>
        <tbody>
          ${rows.map((row) => letterRow(row, hasNames))}
        </tbody>
      </table>
    </div>
  </section>`;
}

function letterRow(row: DeadRow, hasNames: boolean): Html {
  const { word, kind } = stateText[row.state];
  // `http_422` already contains the status.
  const isSaid = row.status === null || row.reason.includes(String(row.status));
  const reason = isSaid ? row.reason : `${row.reason} (${row.status})`;
  return html`<tr data-state="${row.state}">
    <td class="figure">${row.record}</td>
    <td class="figure">${row.line}</td>
    ${hasNames ? html`<td>${row.name}</td>` : undefined}
    <td><span class="state ${kind}">${word}</span></td>
    <td>${row.outcome}</td>
    <td>${reason}</td>
    <td>${row.error}</td>
    <td class="raw">${row.raw}</td>
  </tr> `;
}
