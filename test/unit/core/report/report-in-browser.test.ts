import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ReportOptions } from '../../../../lambdas/core/report/render-report.ts';
import { renderReport } from '../../../../lambdas/core/report/render-report.ts';
import { ReportFacts } from '../../../../lambdas/core/report/report-facts.ts';
import { chromiumPath, launchChromium, withoutChromium } from '../../../support/chromium.ts';
import { factsOf, manifestOf, reportOf } from '../../../support/report-facts.ts';
import { csvDialect } from '../../../support/room-fixture.ts';

describe.skipIf(chromiumPath === undefined)(`the report in a browser${withoutChromium}`, () => {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-report-'));
  let browser: Browser;
  let pages = 0;

  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser.close();
    rmSync(dir, { recursive: true, force: true });
  });

  /** Opened from a disk; `faults`: everything that the page requested, logged or opened. */
  async function open(
    change: Partial<ReportOptions> = {},
    context: BrowserContextOptions = {},
  ): Promise<{ page: Page; faults: string[] }> {
    const path = join(dir, `report-${++pages}.html`);
    writeFileSync(path, renderReport(reportOf(change)));
    const page = await browser.newPage({ viewport: { width: 1100, height: 800 }, ...context });
    const faults: string[] = [];
    const { href } = pathToFileURL(path);
    page.on('request', (request) => request.url() !== href && faults.push(`asked for ${request.url()}`));
    page.on('console', (message) => faults.push(message.text()));
    page.on('pageerror', (error) => faults.push(String(error)));
    page.on('dialog', (dialog) => {
      faults.push(`said ${dialog.message()}`);
      void dialog.dismiss();
    });
    await page.goto(href);
    return { page, faults };
  }

  const recordsShown = async (page: Page): Promise<number[]> =>
    (await page.locator('#letters tbody tr:visible td:first-child').allTextContents()).map(Number);

  it('loads nothing else, and shows the verdict without scrolling', async () => {
    const { page, faults } = await open();
    expect(faults).toEqual([]);
    const box = await page.locator('#verdict').boundingBox();
    expect((box?.y ?? Infinity) + (box?.height ?? 0)).toBeLessThan(400);
    expect(await page.locator('#verdict .sentence').textContent()).toContain('988 of 1,000 records reached the API');
    expect(await page.title()).toBe('Needs attention: avion-2026-11-23.csv');
    expect(await page.locator('svg rect.bar').count()).toBeGreaterThan(50);
    // What is drawn is not all of one colour.
    const shot = await page.screenshot();
    expect(new Set(shot).size).toBe(256);
  });

  it('sorts the dead letters by a click, numbers as numbers, and announces the order', async () => {
    const { page } = await open();
    const header = page.locator('#letters thead th', { hasText: 'record' });
    await header.getByRole('button').click();
    expect(await header.getAttribute('aria-sort')).toBe('ascending');
    await header.getByRole('button').click();
    expect(await header.getAttribute('aria-sort')).toBe('descending');
    const shown = await recordsShown(page);
    expect(shown).toEqual(shown.toSorted((a, b) => b - a));
    await page.locator('#letters thead th', { hasText: 'outcome' }).getByRole('button').press('Enter');
    expect(await header.getAttribute('aria-sort')).toBeNull();
    expect(await page.locator('#letters tbody tr').first().textContent()).toContain('exhausted');
  });

  it('filters them by text and by state, and states how many are left', async () => {
    const { page } = await open();
    const status = page.getByRole('status');
    await page.getByLabel('Show rows with').fill('http_422');
    expect(await recordsShown(page)).toEqual([747, 830, 913]);
    expect(await status.textContent()).toBe('3 of 12 rows are shown.');
    await page.getByLabel('Show rows with').fill('');
    await page.getByLabel('State').selectOption('open');
    expect(await status.textContent()).toBe('All 12 rows are shown.');
  });

  it('has the same content without script', async () => {
    const { page, faults } = await open({}, { javaScriptEnabled: false });
    expect(faults).toEqual([]);
    expect(await page.locator('#letters tbody tr').count()).toBe(12);
    expect(await page.locator('#controls').isVisible()).toBe(false);
  });

  it('executes nothing that records contain', async () => {
    const hostile = [
      `</script><script>window.pwned = 1</script>`,
      `<img src=x onerror="window.pwned = 1">`,
      `"><svg onload=window.pwned=1>`,
      `javascript:window.pwned=1`,
      `<style>body{display:none}</style><base href="https://evil.example/">`,
      `\u202e\u0000\ud800 \u2028 &lt;`,
    ].join(' ');
    const failing = { reason: hostile, field: hostile, error: hostile, raw_payload: hostile, source_file: hostile };
    const { page, faults } = await open({
      facts: factsOf((record) => (record % 83 === 0 ? failing : {})),
      manifest: manifestOf({
        source: { bucket: 'intake', key: `traffic/${hostile}`, version_id: hostile, etag: hostile },
        warnings: [{ code: 'w', message: hostile }],
        failure: { code: 'x', message: hostile },
        state: 'failed',
        feed: hostile,
        lane: hostile,
        tool_version: hostile,
      }),
    });
    await page.locator('#letters thead th button').first().click();
    expect(faults).toEqual([]);
    expect(await page.evaluate('window.pwned')).toBeUndefined();
    expect(await page.locator('script').count()).toBe(1);
    expect(await page.locator('img, base, style').count()).toBe(1);
    expect(await page.locator('body').isVisible()).toBe(true);
    expect(await page.locator('h1').textContent()).toContain('<img src=x onerror=');
  });

  it('is dark if its reader prefers dark, and readable on paper', async () => {
    const background = (page: Page) => page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
    const { page } = await open({}, { colorScheme: 'dark' });
    expect(await background(page)).toBe('rgb(20, 23, 27)');
    await page.emulateMedia({ media: 'print', colorScheme: 'light' });
    expect(await background(page)).toBe('rgb(255, 255, 255)');
    expect(await page.locator('#controls').isVisible()).toBe(false);
    expect(await page.locator('#letters tbody tr').first().isVisible()).toBe(true);
    expect((await page.pdf()).length).toBeGreaterThan(10_000);
  });

  it('prints what a revision changes without cutting off a value, each changed record on one page', async () => {
    const columns = Array.from({ length: 30 }, (_, n) => `ColumnWithQuiteALongName${n}`);
    const row = (letter: string) => columns.map((_, n) => letter.repeat(n === 3 ? 400 : 12)).join(',');
    const facts = new ReportFacts();
    const rows = ['1', '2', '3'].map((id) => ({
      ...{ change: 'changed' as const, earlier_file: 'f.1', earlier_record: 4, record: 3, note: '' },
      ...{ identity: [id.repeat(80), '06:00'], before: row('a'), after: row('b') },
    }));
    for (const each of rows) facts.addChange(each, { ...csvDialect, columns } as typeof csvDialect);
    const comparison = { new_records: 0, changed_records: 3, changes_key: 'a/c.csv', changes_sha256: 'a'.repeat(64) };
    const manifest = manifestOf({ comparison, removed_records: 0 });
    // A4 within the margins.
    const { page } = await open({ facts, manifest }, { viewport: { width: 718, height: 1000 } });
    await page.emulateMedia({ media: 'print' });
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(718);
    const breaks = await page.evaluate<string[]>(
      `[...document.querySelectorAll('table.changes tbody')].map((each) => getComputedStyle(each).breakInside)`,
    );
    expect(breaks).toEqual(['avoid', 'avoid', 'avoid']);
  });

  it('states on paper that its rows are filtered, and by what', async () => {
    const { page } = await open();
    const note = page.locator('#filtered');
    await page.getByLabel('Show rows with').fill('http_422');
    expect(await note.isVisible()).toBe(false);
    await page.emulateMedia({ media: 'print' });
    expect(await note.isVisible()).toBe(true);
    expect(await note.textContent()).toBe('Filtered: 3 of 12 rows, those that contain "http_422".');
    await page.emulateMedia({ media: 'screen' });
    await page.getByLabel('Show rows with').fill('');
    await page.emulateMedia({ media: 'print' });
    expect(await note.isVisible()).toBe(false);
  });

  it('has chart labels that are legible on a phone', async () => {
    const { page } = await open({}, { viewport: { width: 390, height: 844 } });
    expect(await page.locator('figure text').count()).toBe(0);
    const sizes = await page.evaluate<number[]>(
      `[...document.querySelectorAll('.axis span, .hours span, .legend span')].map((each) => parseFloat(getComputedStyle(each).fontSize))`,
    );
    expect(sizes.length).toBeGreaterThanOrEqual(7);
    expect(Math.min(...sizes)).toBeGreaterThanOrEqual(12);
    const chart = await page.locator('.chart svg').boundingBox();
    expect(chart?.height).toBeGreaterThan(150);
    expect((chart?.x ?? 0) + (chart?.width ?? Infinity)).toBeLessThanOrEqual(390);
  });

  it('fits a phone: only wide tables scroll sideways', async () => {
    const { page } = await open({}, { viewport: { width: 360, height: 700 } });
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
  });

  it('has its headings in order, and a name for every control', async () => {
    const { page } = await open();
    const headings = await page.getByRole('main').or(page.getByRole('banner')).getByRole('heading').all();
    const names = await Promise.all(headings.map((heading) => heading.ariaSnapshot()));
    const levels = names.map((name) => Number(/\[level=(\d)\]/.exec(name)?.[1]));
    expect(levels[0]).toBe(1);
    levels.forEach((level, n) => expect(level - (levels[n - 1] ?? 0)).toBeLessThanOrEqual(1));
    for (const control of await page.locator('input, select, button').all()) {
      expect(await control.ariaSnapshot()).toMatch(/^- \w+ "[^"]+"/);
    }
  });
});
