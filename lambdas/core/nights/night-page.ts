import { nameOfFile } from '../account/file-account.ts';
import { durationText } from '../deadlines/deadline-text.ts';
import type { Html } from '../report/html.ts';
import { html } from '../report/html.ts';
import { pageOf } from '../report/page-frame.ts';
import { sumSection } from '../report/sum-section.ts';
import { count, records } from '../report/verdict.ts';
import { verdictBox } from '../report/verdict-box.ts';
import type { EarlierFile, NightEntry, NightExpectation, NightFile } from './night-entry.ts';
import { isInProgress, isUnfinished } from './night-entry.ts';
import { timeIn } from './night-page-times.ts';
import { isTrouble, nightWords, verdictOfNight, wordOfExpected } from './night-verdict.ts';

/** Rows of a table; the entry has them all. */
const maxRows = 500;

/** A night's entry as one self-contained page, without what the entry says of the page itself. */
export function renderNight(entry: NightEntry): string {
  const verdict = verdictOfNight(entry);
  const zone = entry.deadline?.time_zone ?? 'UTC';
  const night = `${timeIn(zone, entry.from)} to ${timeIn(zone, entry.to)} (${zone})`;
  return pageOf({
    title: `${entry.feed}, night ${entry.number}: ${nightWords[verdict.kind]}`,
    header: html`<p class="feed">Sluice night log · feed ${entry.feed} · night ${count(entry.number)}</p>
      <h1>${night}</h1>
      ${verdictBox(verdict, nightWords)}`,
    main: html`${expectedSection(entry, zone)} ${receivedSection(entry, zone)} ${sumOf(entry)}
    ${deadSection(entry, zone)} ${earlierSection(entry, zone)} ${auditSection(entry)}`,
    footer: html`<p>
      Made by Sluice ${entry.tool_version} from night ${entry.number} of ${entry.feed}. The entry in the archive is the
      evidence; this page is a view of it.
    </p>`,
  });
}

const expectedKinds: Record<NightExpectation['state'], string> = {
  met: 'good',
  late: 'attention',
  missing: 'bad',
  too_few: 'bad',
};

const expectedState = (each: NightExpectation): Html =>
  state({ word: wordOfExpected(each), kind: isInProgress(each) ? 'bad' : expectedKinds[each.state] });

const state = ({ word, kind }: { word: string; kind: string }): Html =>
  html`<span class="state ${kind}">${word}</span>`;

function expectedSection({ expectations }: NightEntry, zone: string): Html | undefined {
  if (expectations.length === 0) return undefined;
  const rank = { missing: 0, too_few: 1, late: 2, met: 3 };
  const rows = [...expectations].sort((a, b) => rank[a.state] - rank[b.state]);
  return html`<section aria-labelledby="expected">
    <h2 id="expected">Expected files</h2>
    ${table(
      'expected',
      ['expected', 'by', 'state', 'file'],
      rows.map(
        (each) =>
          html`<tr>
            <th scope="row">${each.name}<br /><code>${each.key}</code></th>
            <td>${timeIn(zone, each.by)}</td>
            <td>${expectedState(each)}${lateText(each)}</td>
            <td>
              ${each.file_id === null ? '–' : html`<code>${each.file_id}</code>`}
              ${isInProgress(each) ? '' : each.obstacle}
            </td>
          </tr>`,
      ),
    )}
  </section>`;
}

const lateText = ({ late_seconds: seconds }: NightExpectation): string =>
  seconds === null ? '' : `, by ${durationText(seconds)}`;

function receivedSection({ received, to }: NightEntry, zone: string): Html {
  const rows = [...received].sort((a, b) => weightOf(b, to) - weightOf(a, to));
  return html`<section aria-labelledby="received">
    <h2 id="received">Files that arrived${rows.length > 1 ? ', the worst first' : ''}</h2>
    ${
      rows.length === 0
        ? html`<p>None.</p>`
        : table(
            'received',
            ['file', 'state', 'received', 'finished', 'records', 'open dead letters'],
            rows.slice(0, maxRows).map((file) => fileRow(file, to, zone)),
          )
    }
    ${more(rows.length)}
  </section>`;
}

/** Files that did not get through, then those with dead letters, then late ones. */
function weightOf(file: NightFile, to: string): number {
  const late = file.finished !== null && file.finished > to;
  return (isTrouble(file) ? 1e12 : 0) + (file.counts?.dead_lettered_records ?? 0) * 2 + Number(late);
}

function fileRow(file: NightFile, to: string, zone: string): Html {
  const { counts, finished } = file;
  const isLate = finished !== null && finished > to;
  const lateBy = isLate ? `, ${durationText((Date.parse(finished) - Date.parse(to)) / 1000)} late` : '';
  return html`<tr>
    <th scope="row">${nameAndLink(file)}</th>
    <td>${state(stateOf(file))}${controlText(file)}</td>
    <td>${timeIn(zone, file.received)}</td>
    <td>${finished === null ? '–' : `${timeIn(zone, finished)}${lateBy}`}</td>
    <td class="figure">${counts ? count(counts.total_records) : '–'}</td>
    <td class="figure">${counts ? count(counts.dead_lettered_records) : '–'}</td>
  </tr>`;
}

function stateOf(file: NightFile): { word: string; kind: string } {
  if (isUnfinished(file)) return { word: 'not finished', kind: 'bad' };
  const code = file.failure_code === null ? '' : `: ${file.failure_code}`;
  if (isTrouble(file)) return { word: file.state === 'completed' ? 'no records' : `${file.state}${code}`, kind: 'bad' };
  const isOpen = (file.counts?.dead_lettered_records ?? 0) > 0;
  return { word: `${file.state}${code}`, kind: isOpen || file.state !== 'completed' ? 'attention' : 'good' };
}

const controlWords = {
  waiting: 'waits for its control file',
  agrees: 'control file agrees',
  differs: 'control file DIFFERS',
  not_compared: 'not compared with a control file',
} as const;

function controlText({ control }: NightFile): Html | undefined {
  if (!control) return undefined;
  const { missing, extra, state: is } = control;
  const by = is === 'differs' && missing !== null ? `: ${count(missing)} missing, ${count(extra ?? 0)} extra` : '';
  return html`<br />${controlWords[is]}${by}`;
}

/** The link leads to the manifest in a copy of the archive. */
function nameAndLink(file: Pick<NightFile, 'key' | 'bundled_files' | 'file_id' | 'manifest'>): Html {
  const name = nameOfFile(file.key, file.bundled_files);
  const path = file.manifest && `../../${file.manifest.key.split('/').map(encodeURIComponent).join('/')}`;
  return html`${path === null ? name : html`<a href="${path}">${name}</a>`}<br /><code>${file.file_id}</code>`;
}

function sumOf(entry: NightEntry): Html | undefined {
  if (entry.files.received === entry.files.unfinished) return undefined;
  return sumSection(entry.sums, {
    sink: 'the API',
    total: 'records in these files',
    proof: entry.files.unfinished > 0 ? 'without the unfinished files' : 'each file once',
  });
}

function deadSection({ open_dead_letters: open }: NightEntry, zone: string): Html | undefined {
  if (open.records === 0) return undefined;
  return html`<section aria-labelledby="dead">
    <h2 id="dead">Open dead letters</h2>
    <p>${records(open.records)} of ${count(open.files)} ${open.files === 1 ? 'file' : 'files'}, of all nights.</p>
    ${table(
      'dead',
      ['file', 'received', 'open dead letters'],
      open.most.map(
        (file) =>
          html`<tr>
            <th scope="row">${file.key}<br /><code>${file.file_id}</code></th>
            <td>${timeIn(zone, file.received)}</td>
            <td class="figure">${count(file.records)}</td>
          </tr>`,
      ),
    )}
  </section>`;
}

function earlierSection({ earlier }: NightEntry, zone: string): Html | undefined {
  if (earlier.length === 0) return undefined;
  return html`<section aria-labelledby="earlier">
    <h2 id="earlier">What changed in earlier nights</h2>
    ${table(
      'earlier',
      ['file', 'night', 'before', 'now', 'open dead letters'],
      earlier.slice(0, maxRows).map((file) => earlierRow(file, zone)),
    )}
    ${more(earlier.length)}
  </section>`;
}

function earlierRow(file: EarlierFile, zone: string): Html {
  const manifest = file.manifest ? `, manifest ${file.manifest.number}` : '';
  const { state: was, manifest_number: number } = file.before;
  return html`<tr>
    <th scope="row">${nameAndLink(file)}<br />received ${timeIn(zone, file.received)}</th>
    <td>${file.entry === 0 ? 'before the log' : count(file.entry)}</td>
    <td>${number === 0 ? 'not finished' : `${was}, manifest ${number}`}</td>
    <td>${state(stateOf(file))}${manifest}</td>
    <td class="figure">${file.counts ? count(file.counts.dead_lettered_records) : '–'}</td>
  </tr>`;
}

function auditSection(entry: NightEntry): Html {
  const facts: [string, Html | string][] = [
    ['Night', `${entry.number} of ${entry.feed}`],
    ['From', utc(entry.from)],
    ['To', utc(entry.to)],
    ['Written', utc(entry.written)],
    [
      'SHA-256 of the entry before',
      entry.previous_sha256 === null ? 'this is the first' : html`<code>${entry.previous_sha256}</code>`,
    ],
    ['Entry', html`<code>s3://${entry.archive.bucket}/${entry.archive.entry_key}</code>`],
    [
      'Signed by',
      entry.signature ? html`<code>${entry.signature.key_arn}</code>` : 'not signed: the stack has no signing key',
    ],
    ['How to verify', html`<code>sluice verify --nights DIR</code>, in a copy of the archive`],
  ];
  return html`<section aria-labelledby="audit">
    <h2 id="audit">For the audit</h2>
    <dl>
      ${facts.map(
        ([name, value]) =>
          html`<dt>${name}</dt>
            <dd>${value}</dd>`,
      )}
    </dl>
  </section>`;
}

const utc = (at: string): Html => html`<time datetime="${at}">${at.replace('T', ' ').replace('Z', ' UTC')}</time>`;

/** @param heading the id of its section's heading */
function table(heading: string, columns: readonly string[], rows: readonly Html[]): Html {
  return html`<div class="wide" tabindex="0" role="group" aria-labelledby="${heading}">
    <table>
      <thead>
        <tr>
          ${columns.map((name) => html`<th scope="col" class="${/records|letters/.test(name) ? 'figure' : ''}">${name}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`;
}

const more = (rows: number): Html | undefined =>
  rows > maxRows
    ? html`<p class="note">The first ${count(maxRows)} of ${count(rows)}; the entry has all.</p>`
    : undefined;
