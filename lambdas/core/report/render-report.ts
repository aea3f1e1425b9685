import { createHash } from 'node:crypto';
import { durationText } from '../deadlines/deadline-text.ts';
import type { FeedDeadline } from '../deadlines/feed-deadline.ts';
import { slotSpacingMs } from '../limiter/limiter.ts';
import type { RateLimit } from '../limiter/limiter.ts';
import type { Manifest } from '../account/manifest.ts';
import { outcomes } from '../account/outcome.ts';
import { auditSection } from './audit-section.ts';
import { chartSection } from './chart.ts';
import { failuresSection, lettersSection } from './failures-section.ts';
import { Html, html } from './html.ts';
import { pageScript } from './page-script.ts';
import { pageStyle } from './page-style.ts';
import type { ReportFacts } from './report-facts.ts';
import type { Verdict } from './verdict.ts';
import { count, verdictOf } from './verdict.ts';

export interface ReportOptions {
  manifest: Manifest;
  facts: ReportFacts;
  /** The sink's display name. */
  sink: string;
  /** The sink's limit; undefined if it has none. */
  limit: RateLimit | undefined;
  deadline: FeedDeadline | undefined;
}

const sha256 = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** Nothing is loaded, and no script except the page's own runs, whatever a record's fields contain. */
const policy = `default-src 'none'; style-src ${sha256(pageStyle)}; script-src ${sha256(pageScript)}; base-uri 'none'; form-action 'none'`;

/** Exactly the bytes whose hashes are in the policy. */
const styleElement = new Html(`<style>${pageStyle}</style>`);
const scriptElement = new Html(`<script>${pageScript}</script>`);

/** A file's account as one self-contained HTML page. */
export function renderReport({ manifest, facts, sink, limit, deadline }: ReportOptions): string {
  const verdict = verdictOf(manifest, sink, deadline);
  const chart = facts.timeline.chart(limit === undefined ? 0 : slotSpacingMs(limit));
  const name = nameOf(manifest);
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="referrer" content="no-referrer" />
        <title>${signs[verdict.kind].word}: ${name}</title>
        ${styleElement}
      </head>
      <body>
        <header>
          <p class="feed">
            Sluice report · feed ${manifest.feed}${manifest.lane === manifest.feed ? '' : ` · lane ${manifest.lane}`} ·
            ${manifest.times.received.slice(0, 10)}
          </p>
          <h1>${name}</h1>
          ${verdictBox(verdict)}
        </header>
        <main>
          ${sumSection(manifest, sink)}
          <section aria-labelledby="when">
            <h2 id="when">How it went</h2>
            <p>${howLong(manifest)}</p>
            ${
              chart &&
              chartSection({
                chart,
                sink,
                limitPerSecond: limit && limit.requests / limit.windowSeconds,
                timeZone: deadline?.timeZone,
              })
            }
          </section>
          ${failuresSection(facts)} ${lettersSection(facts, manifest)} ${auditSection(manifest, deadline?.timeZone)}
        </main>
        <footer>
          <p>
            Made by Sluice ${manifest.tool_version} from manifest ${manifest.manifest_number} of this file. The manifest
            is the evidence; this page is a view of it.
          </p>
        </footer>
        ${scriptElement}
      </body>
    </html> `;
  return page.markup;
}

const signs: Record<Verdict['kind'], { sign: string; word: string }> = {
  good: { sign: '✓', word: 'Done' },
  look: { sign: '!', word: 'Needs attention' },
  bad: { sign: '✕', word: 'Not sent' },
};

function nameOf({ source, bundled_files: bundled }: Manifest): string {
  if (bundled !== null) return `${count(bundled)} small files, sent as one`;
  return source.key.slice(source.key.indexOf('/') + 1) || source.key;
}

function verdictBox({ kind, sentence, details }: Verdict): Html {
  const { sign, word } = signs[kind];
  return html`<div class="verdict ${kind}" id="verdict">
    <span class="sign" role="img" aria-label="${word}">${sign}</span>
    <div>
      <p class="sentence">${sentence}</p>
      ${details.filter((detail) => detail !== '').map((detail) => html`<p>${detail}</p>`)}
    </div>
  </div>`;
}

const meanings: Record<(typeof outcomes)[number], (sink: string) => string> = {
  uploaded: (sink) => `accepted by ${sink}`,
  duplicate: (sink) => `${sink} already had them`,
  unchanged: (sink) => `${sink} has them from an earlier revision, so they were not sent`,
  rejected: () => 'not valid, so never sent',
  refused: (sink) => `${sink} did not accept them`,
  exhausted: (sink) => `${sink} failed on them in every attempt`,
  held: () => 'never sent: the file was stopped or replaced',
};

function sumSection(manifest: Manifest, sink: string): Html {
  const rows = outcomes.map((outcome, n) => {
    const figure = manifest[`${outcome}_records`];
    return html`<tr class="${figure === 0 ? 'none' : ''}">
      <th scope="row">${n === 0 ? '' : '+ '}${outcome}</th>
      <td class="figure">${count(figure)}</td>
      <td>${meanings[outcome](sink)}</td>
    </tr>`;
  });
  const proof = manifest.reconciled ? 'each record once: the receipts were counted' : 'DOES NOT ADD UP';
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
          <th scope="row">= records in the file</th>
          <td class="figure">${count(manifest.total_records)}</td>
          <td>${proof}</td>
        </tr>
      </tfoot>
    </table>
  </section>`;
}

function howLong({ times, uploaded_records: uploaded }: Manifest): string {
  if (times.first_upload === null) return `It took ${durationText(times.duration_seconds)} from drop to account.`;
  const { records_per_second: speed } = times;
  const pace = speed > 0 ? `, ${count(speed < 10 ? speed : Math.round(speed))} per second on average` : '';
  return `${count(times.delivered_records ?? uploaded)} accepted in ${durationText(times.upload_seconds)}${pace}; ${durationText(times.duration_seconds)} from drop to account.`;
}
