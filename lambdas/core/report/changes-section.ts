import type { Manifest } from '../account/manifest.ts';
import type { Html } from './html.ts';
import { html } from './html.ts';
import type { ReportedChange } from './report-facts.ts';
import { count } from './verdict.ts';

/** What a revision changes, with the values before and after side by side. */
export function changesSection(
  changes: readonly ReportedChange[],
  { comparison, removed_records: removed, unchanged_records: unchanged, held_records: held }: Manifest,
): Html | undefined {
  if (!comparison) return undefined;
  const { changed_records: changed, new_records: added, changes_key: key } = comparison;
  const total = changed + added + removed;
  // Of a file that is held, the unchanged records are not counted.
  const others = held > 0 ? '' : `; ${count(unchanged)} unchanged`;
  const figures = `${count(changed)} changed, ${count(added)} new, ${count(removed)} removed${others}.`;
  const rest =
    removed === 0
      ? ''
      : ' A removed record stays in the schedule until a person removes it. One that is damaged in this file looks removed too.';
  return html`<section aria-labelledby="changes">
    <h2 id="changes">What changed</h2>
    <p>${figures}${rest}</p>
    ${
      total === 0
        ? undefined
        : html`<div class="wide" tabindex="0" role="region" aria-labelledby="changes">
            <table class="changes">
              <caption>
                ${changes.length < total ? `The first ${count(changes.length)} of ${count(total)}, by identity; all are in ${key}.` : `All ${count(total)}, by identity.`}
              </caption>
              <thead>
                <tr>
                  <th scope="col">change</th>
                  <th scope="col">record</th>
                  <th scope="col">column</th>
                  <th scope="col">in the earlier file</th>
                  <th scope="col">in this file</th>
                </tr>
              </thead>
              ${changes.map(changeRows)}
            </table>
          </div>`
    }
  </section>`;
}

const tones = { new: 'good', changed: 'attention', removed: 'bad' } as const;

/** A row for each column that differs, so that old and new value are beside each other; together on one page of paper. */
function changeRows({ change, identity, values, note }: ReportedChange): Html {
  const name = html`${identity}${note === '' ? undefined : html`<br /><span class="note">${note}</span>`}`;
  return html`<tbody>
    ${values.map(
      ({ column, before, after }, place) =>
        html`<tr>
          ${
            place > 0
              ? undefined
              : html`<td rowspan="${values.length}"><span class="state ${tones[change]}">${change}</span></td>
                  <th scope="rowgroup" rowspan="${values.length}">${name}</th>`
          }
          <td>${column ?? '(whole record)'}</td>
          <td class="raw">${before === '' ? '–' : before}</td>
          <td class="raw">${after === '' ? '–' : after}</td>
        </tr> `,
    )}
  </tbody> `;
}
