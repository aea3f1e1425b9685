import { durationText } from '../deadlines/deadline-text.ts';
import type { FeedDeadline } from '../deadlines/feed-deadline.ts';
import { slotSpacingMs } from '../limiter/limiter.ts';
import type { RateLimit } from '../limiter/limiter.ts';
import type { Manifest } from '../account/manifest.ts';
import { auditSection } from './audit-section.ts';
import { chartSection } from './chart.ts';
import { changesSection } from './changes-section.ts';
import { failuresSection, lettersSection } from './failures-section.ts';
import { html } from './html.ts';
import { pageOf } from './page-frame.ts';
import { pageScript } from './page-script.ts';
import type { ReportFacts } from './report-facts.ts';
import { sumSection } from './sum-section.ts';
import type { Verdict } from './verdict.ts';
import { verdictBox } from './verdict-box.ts';
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

/** A file's account as one self-contained HTML page. */
export function renderReport({ manifest, facts, sink, limit, deadline }: ReportOptions): string {
  const verdict = verdictOf(manifest, sink, deadline);
  const chart = facts.timeline.chart(limit === undefined ? 0 : slotSpacingMs(limit));
  const name = nameOf(manifest);
  return pageOf({
    title: `${words[verdict.kind]}: ${name}`,
    header: html`<p class="feed">
        Sluice report · feed ${manifest.feed}${manifest.lane === manifest.feed ? '' : ` · lane ${manifest.lane}`} ·
        ${manifest.times.received.slice(0, 10)}
      </p>
      <h1>${name}</h1>
      ${verdictBox(verdict, words)}`,
    main: html`${sumSection(manifest, { sink, total: 'records in the file', proof: proofText(manifest) })}
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
      ${changesSection(facts.changes, manifest)} ${failuresSection(facts)} ${lettersSection(facts, manifest)}
      ${auditSection(manifest, deadline?.timeZone)}`,
    footer: html`<p>
      Made by Sluice ${manifest.tool_version} from manifest ${manifest.manifest_number} of this file. The manifest is
      the evidence; this page is a view of it.
    </p>`,
    script: pageScript,
  });
}

const words: Record<Verdict['kind'], string> = { good: 'Done', attention: 'Needs attention', bad: 'Not sent' };

function nameOf({ source, bundled_files: bundled }: Manifest): string {
  if (bundled !== null) return `${count(bundled)} small files, sent as one`;
  return source.key.slice(source.key.indexOf('/') + 1) || source.key;
}

function proofText({ reconciled }: Manifest): string {
  return reconciled ? 'each record once: the receipts were counted' : 'DOES NOT ADD UP';
}

function howLong({ times, uploaded_records: uploaded }: Manifest): string {
  if (times.first_upload === null) return `It took ${durationText(times.duration_seconds)} from drop to account.`;
  const { records_per_second: speed } = times;
  const pace = speed > 0 ? `, ${count(speed < 10 ? speed : Math.round(speed))} per second on average` : '';
  return `${count(times.delivered_records ?? uploaded)} accepted in ${durationText(times.upload_seconds)}${pace}; ${durationText(times.duration_seconds)} from drop to account.`;
}
