import { describe, expect, it } from 'vitest';
import type { Manifest } from '../../../../lambdas/core/account/manifest.ts';
import type { ListedChange } from '../../../../lambdas/core/series/read-comparison.ts';
import { csvDialect } from '../../../support/room-fixture.ts';
import { html } from '../../../../lambdas/core/report/html.ts';
import { renderReport } from '../../../../lambdas/core/report/render-report.ts';
import { maxRows, ReportFacts } from '../../../../lambdas/core/report/report-facts.ts';
import { factsOf, manifestOf, receiptFor, reportOf } from '../../../support/report-facts.ts';

describe('markup', () => {
  it('escapes every value as text, in elements and in attributes', () => {
    const hostile = '</script><img src=x onerror="alert(\'1\')">&`\u202e\u0000\ud800';
    const { markup } = html`<p title="${hostile}">${hostile}</p>`;
    expect(markup.match(/[<>]/g)).toHaveLength(4);
    expect(markup.match(/"/g)).toHaveLength(2);
    for (const unseen of ['\u202e', '\u0000']) expect(markup).not.toContain(unseen);
    expect(markup.isWellFormed()).toBe(true);
    expect(markup).toContain('&lt;/script&gt;');
  });

  it('keeps markup as markup, joins lists, and renders nothing for nothing', () => {
    const { markup } = html`<ul>
        ${[1, 2].map((n) => html`<li>${n}</li>`)}
      </ul>
      ${null}${undefined}`;
    expect(markup.replace(/\s+/g, '')).toBe('<ul><li>1</li><li>2</li></ul>');
  });
});

describe('the page', () => {
  it('has the counts of the manifest, and their sum', () => {
    const page = renderReport(reportOf()).replace(/\s+/g, ' ');
    for (const [outcome, figure] of Object.entries({ uploaded: 980, duplicate: 8, rejected: 8, refused: 3, held: 0 })) {
      expect(page).toMatch(new RegExp(`${outcome}</th> <td class="figure">${figure}</td>`));
    }
    expect(page).toMatch(/= records in the file<\/th> <td class="figure">1,000<\/td>/);
  });

  it('counts the records of the first delivery for its duration, without later corrections', () => {
    const { times } = manifestOf();
    const manifest = manifestOf({ uploaded_records: 980, times: { ...times, delivered_records: 900 } });
    expect(renderReport(reportOf({ manifest }))).toMatch(/900 accepted in 2 min/);
    expect(renderReport(reportOf())).toMatch(/980 accepted in 2 min/);
  });

  it('groups failures by reason, the most frequent first, with three examples at most', () => {
    const page = renderReport(reportOf());
    const titles = [...page.matchAll(/<h3>([^<]*)<\/h3>/g)].map(([, title]) => title);
    expect(titles).toEqual([
      'invalid_value in Duration: 8 records, all open',
      'http_422: 3 records, all open',
      'http_503: 1 record, all open',
    ]);
    expect(page.match(/<li>record/g)).toHaveLength(7);
  });

  it('has a bounded size, however many records failed and whatever they contain', () => {
    const facts = new ReportFacts();
    const failed = { outcome: 'rejected' as const, field: null, raw_payload: '<'.repeat(64 * 1024) };
    for (let record = 1; record <= 5_000; record++) {
      facts.addFailed(
        receiptFor(record, { ...failed, reason: `reason ${record}`, error: 'e'.repeat(10_000) }),
        undefined,
      );
    }
    const page = renderReport(reportOf({ facts }));
    expect(page.match(/<tr data-state/g)).toHaveLength(maxRows);
    expect(page).toContain('The first 1,000 of 5,000; all are in traffic/');
    expect(page).toContain('other reasons: 4,900 records');
    expect(page.length).toBeLessThan(4_000_000);
  });

  it('states the outcome of each dead letter', () => {
    const facts = new ReportFacts();
    const failed = { outcome: 'refused' as const, reason: 'http_422', status: 422 };
    (['uploaded', 'handled', undefined] as const).forEach((resolution, n) =>
      facts.addFailed(receiptFor(n + 1, failed), resolution),
    );
    const page = renderReport(reportOf({ facts }));
    for (const state of ['uploaded', 'handled', 'open']) expect(page).toContain(`<tr data-state="${state}">`);
    expect(page).toContain('http_422: 3 records, 1 still open');
  });

  it('shows no limit if there is none, and no chart if nothing was accepted', () => {
    expect(renderReport(reportOf())).toContain('class="limit"');
    const unlimited = renderReport(reportOf({ limit: undefined, sink: 'the record ledger' }));
    expect(unlimited).toContain('<svg');
    expect(unlimited).not.toContain('class="limit"');
    expect(unlimited).toContain('988 of 1,000 records reached the record ledger.');
    expect(renderReport(reportOf({ facts: new ReportFacts() }))).not.toContain('<svg');
  });

  it('names the small files of a bundle', () => {
    const facts = factsOf((record) => (record === 83 ? { source_file: 'maintenance/form-1-0815.json' } : {}));
    const page = renderReport(reportOf({ facts, manifest: manifestOf({ bundled_files: 1_000 }) }));
    expect(page).toContain('maintenance/form-1-0815.json');
    expect(page).toContain('1,000 small files, sent as one');
  });
});

describe('a revision’s report', () => {
  const row = (change: ListedChange['change'], more: Partial<ListedChange>): ListedChange => ({
    ...{ change, earlier_file: 'f.1', earlier_record: 4, record: 3, identity: ['S4', '06:00'] },
    ...{ before: null, after: null, note: '', ...more },
  });
  const comparison = {
    new_records: 1,
    changed_records: 1,
    changes_key: 'a/changes.csv',
    changes_sha256: 'a'.repeat(64),
  };
  const revision = (change: Partial<Manifest> = {}) => manifestOf({ comparison, removed_records: 1, ...change });
  const textOf = (manifest: Manifest, rows: readonly ListedChange[]) => {
    const facts = new ReportFacts();
    for (const each of rows) facts.addChange(each, csvDialect);
    return renderReport(reportOf({ facts, manifest }))
      .replace(/<style>.*<\/style>/s, '')
      .replace(/<[^>]+>/g, ' ')
      .replace(/\s+/g, ' ');
  };

  it('has old and new value of each column side by side, and the whole text of other records', () => {
    const text = textOf(revision(), [
      row('changed', { before: 'S4,WABC,06:00,30,Ann', after: 'S4,WABC,06:00,60,Bob' }),
      row('removed', { identity: ['S5'], before: 'S5,WABC,07:00,30,Ann', note: 'it is damaged' }),
    ]);
    expect(text).toContain('1 changed, 1 new, 1 removed; 0 unchanged.');
    expect(text).toContain('changed S4 · 06:00 Duration 30 60 ClientName Ann Bob');
    expect(text).toContain('removed S5 it is damaged (whole record) S5,WABC,07:00,30,Ann –');
    expect(text).toContain('– what it changes a/changes.csv');
  });

  it('counts no unchanged records while it is held, and says who decided what and why', () => {
    const at = '2026-01-05T02:00:00.000Z';
    const decisions: Manifest['decisions'] = [
      { kind: 'release', at, by: 'ann', why: 'a new grid', stop: 1, sends: 'changes' },
      { kind: 'pause', at, by: 'ben', why: 'the API is down' },
    ];
    const text = textOf(revision({ held_records: 1_000, decisions }), []);
    expect(text).toContain('1 changed, 1 new, 1 removed.');
    expect(text).toContain('Decided Released, only what changed, by ann: a new grid, 2026-01-05 02:00:00.000 UTC');
    expect(text).not.toContain('the API is down');
  });

  it('has a bounded size, however many columns differ', () => {
    const columns = Array.from({ length: 500 }, (_, n) => `c${n}`);
    const facts = new ReportFacts();
    const wide = (text: string) => columns.map(() => text.repeat(1_000)).join(',');
    const change = row('changed', { before: wide('a'), after: wide('b') });
    while (facts.addChange(change, { ...csvDialect, columns } as typeof csvDialect));
    expect(facts.changes[0]?.values.at(-1)?.column).toBe('… and 450 more columns');
    expect(facts.changes.length).toBe(20);
  });
});
