import { readFile } from 'node:fs/promises';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Snapshot } from '../../../../cli/live/snapshot.ts';
import { chromiumPath, launchChromium, withoutChromium } from '../../../support/chromium.ts';
import { closedFile, expectedFile, headlineOf, liveFile, liveSnapshot } from '../../../support/live-snapshot.ts';
import type { RoomWorld } from '../../../support/open-room.ts';
import { openRoom } from '../../../support/open-room.ts';

describe.skipIf(chromiumPath === undefined)(`the control room in Chromium${withoutChromium}`, () => {
  let browser: Browser;
  let world: RoomWorld;
  let page: Page;
  /** What the browser complains of: also of what the policy would not let it do. */
  let complaints: string[];

  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser.close());
  beforeEach(async () => {
    world = await openRoom();
    complaints = [];
    await open();
  });
  afterEach(async () => {
    await page.context().close();
    await world.jobs.stop();
    await world.room.close();
    expect(complaints).toEqual([]);
  });

  async function open(options: BrowserContextOptions = {}): Promise<void> {
    const context = await browser.newContext({ reducedMotion: 'reduce', ...options });
    context.setDefaultTimeout(20_000);
    page = await context.newPage();
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    page.on('pageerror', (error) => {
      complaints.push(error.message);
    });
    page.on('dialog', (dialog) => {
      complaints.push(`a dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    await page.goto(world.room.link);
    await page.getByRole('heading', { level: 1, name: /in progress/ }).waitFor();
  }

  const show = (change: Partial<Snapshot>): void => {
    world.sight = { snapshot: liveSnapshot(change), unanswered: null };
  };
  const row = (name: string) => page.getByRole('row').filter({ hasText: name });
  const group = (reason: string) => page.locator('.groups li').filter({ hasText: reason });
  const widthOf = (name: string, part: string): Promise<string> =>
    row(name)
      .locator(`[data-part=${part}]`)
      .evaluate((bar) => (bar as unknown as { style: { width: string } }).style.width);
  const focused = () =>
    page.evaluate('document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.textContent');

  it('shows files, APIs, queues, dead letters and closed files, in sections with names', async () => {
    const file = row('avion-2026-01-04.csv');
    expect(await file.innerText()).toMatch(/uploading 48%[\s\S]*9,612 of 20,000[\s\S]*12[\s\S]*about 21:40/);
    expect(await widthOf('avion-2026-01-04.csv', 'settled')).toBe('48.06%');
    expect(await widthOf('avion-2026-01-04.csv', 'split')).toBe('100%');
    expect(await file.getByRole('progressbar').getAttribute('aria-valuenow')).toBe('48');
    for (const name of ['Files in progress', 'Dead letters', 'APIs', 'Queues', 'Closed last']) {
      expect(await page.getByRole('region', { name }).count(), name).toBe(1);
    }
    expect(await page.getByRole('region', { name: 'APIs' }).innerText()).toContain('290/s of 298/s allowed');
    expect(await group('not_an_integer').innerText()).toMatch(/8\s+not_an_integer\s*rejected/);
    expect(await row('avion-2026-01-03.csv').innerText()).toContain('every record was uploaded');
    expect(await page.title()).toBe('(1) Sluice – sluice-test');
  });

  it('lists the files that should arrive, and leads to those that are here', async () => {
    const section = page.getByRole('region', { name: 'Expected files' });
    expect(await section.count()).toBe(0);
    const here = expectedFile({
      name: 'KXYZ',
      state: 'met',
      file_id: 'f1',
      text: 'KXYZ: here since 21:00',
      history: null,
    });
    show({ expected_files: [expectedFile(), here] });
    await section.waitFor();
    expect(await section.getByRole('listitem').allInnerTexts()).toEqual([
      expect.stringMatching(
        /^WABC: expected by 20:00 \(1 h ago\), not here yet\s+traffic · late twice in the 30 nights before$/,
      ),
      expect.stringMatching(/^KXYZ: here since 21:00\s+traffic$/),
    ]);
    expect(await section.getByRole('link', { name: 'KXYZ: here since 21:00' }).getAttribute('href')).toBe('#/file/f1');
    show({ expected_files: [expectedFile({ state: 'late', file_id: 'f1', text: 'WABC: here since 21:40' })] });
    await section.getByRole('link', { name: 'WABC: here since 21:40' }).waitFor();
  });

  it('removes the code from the address, and needs none in another tab or after a reload', async () => {
    expect(page.url()).toBe(`${world.origin}/`);
    await page.reload();
    await row('avion-2026-01-04.csv').waitFor();
    const other = await page.context().newPage();
    await other.goto(world.origin);
    await other.getByRole('heading', { level: 1, name: /in progress/ }).waitFor();
    await other.close();
    expect(await page.evaluate('[document.cookie, sessionStorage.length, localStorage.length]')).toEqual(['', 0, 0]);
    expect(world.newLinks).toEqual([]);
  });

  it('is updated in place: focus, selection and the rows themselves stay', async () => {
    await page.evaluate(`{
      const row = [...document.querySelectorAll('#files tr')][0];
      row.marked = true;
      getSelection().selectAllChildren(row.querySelector('[data-part=name]'));
    }`);
    await page.getByRole('button', { name: 'Export http_422' }).focus();
    const before = liveFile({ file_id: 'f0', name: 'urgent.csv', activity: 'splitting' });
    const changed = liveFile({ settled_records: 15_000, settled_share: 0.75 });
    show({
      files: [before, changed],
      dead_letters: [
        { feed: 'traffic', outcome: 'exhausted', reason: 'timeout', count: 30, outlook: '' },
        { feed: 'traffic', outcome: 'refused', reason: 'http_422', count: 5, outlook: '' },
      ],
    });
    await group('timeout').waitFor();
    await page.getByText('15,000 of 20,000').waitFor();
    expect(await widthOf('avion-2026-01-04.csv', 'settled')).toBe('75%');
    expect(await page.evaluate(`[...document.querySelectorAll('#files tr')].map((row) => row.marked)`)).toEqual([
      undefined,
      true,
    ]);
    expect(await focused()).toBe('Export http_422');
    expect(await page.evaluate('String(getSelection())')).toBe('avion-2026-01-04.csv');
    expect(await group('not_an_integer').count()).toBe(0);
  });

  it('redrives by keyboard alone, after stating what happens, and shows progress and result', async () => {
    await page.getByRole('button', { name: 'Redrive all…' }).focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Redrive these dead letters?' });
    expect(await dialog.innerText()).toMatch(/12 dead letters of traffic move from the DLQ back to the letters queue/);
    expect(await dialog.innerText()).toContain('https://avstar.example');
    expect(await dialog.innerText()).toMatch(/4 are refused\.\s+8 are rejected\./);
    expect(await focused()).toBe('Cancel');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByRole('status').filter({ hasText: 'Redrive of traffic, all dead letters: in progress' }).waitFor();
    expect(world.redriven).toEqual([{ feed: 'traffic', reason: undefined }]);
    expect(await focused()).toBe('Redrive all…');

    world.say('moving letters out of the DLQ  3 of 12');
    await page.getByRole('status').filter({ hasText: 'moving letters out of the DLQ  3 of 12' }).waitFor();
    await page.keyboard.press('Enter');
    expect(await page.getByRole('dialog').count()).toBe(0);
    world.endRedrive('12 letters moved back to be tried again.\n12 resolved.');
    show({ dead_letters: [], queues: [] });
    await page.getByRole('status').filter({ hasText: 'all dead letters: done. 12 letters moved back' }).waitFor();
    expect(world.redriven).toHaveLength(1);
  });

  it('redrives one reason, with the number of its letters', async () => {
    await page.getByRole('button', { name: 'Redrive http_422' }).click();
    await page.getByText('4 dead letters of traffic, whose last failure is http_422 move').waitFor();
    expect(await page.getByRole('dialog').innerText()).toMatch(/4 are refused\.$/m);
    await page.getByRole('dialog').getByRole('button', { name: 'Redrive' }).click();
    await page.getByText('Redrive of traffic, http_422: in progress').waitFor();
    expect(world.redriven).toEqual([{ feed: 'traffic', reason: 'http_422' }]);
    world.failRedrive('SQS gave up moving the messages.');
    await page.getByText('Redrive of traffic, http_422: failed. SQS gave up moving the messages.').waitFor();
  });

  it.each(['Escape', 'Cancel'])('does nothing after %s, and returns the focus', async (how) => {
    const opener = page.getByRole('button', { name: 'Redrive http_422' });
    await opener.focus();
    await page.keyboard.press('Space');
    await page.getByRole('dialog').waitFor();
    if (how === 'Escape') await page.keyboard.press('Escape');
    else await page.getByRole('button', { name: how }).click();
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    expect(await focused()).toBe('Redrive http_422');
    // A request would have been made by the time of the next poll.
    await page.waitForResponse((answer) => answer.url().endsWith('/api/snapshot'));
    expect(world.redriven).toEqual([]);
  });

  it('saves the dead letters as a file', async () => {
    const saved = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Export CSV' }).click();
    const download = await saved;
    expect(download.suggestedFilename()).toBe('dead-letters-traffic.csv');
    const lines = (await readFile(await download.path(), 'utf8')).trimEnd().split('\r\n');
    expect(lines).toHaveLength(13);
    expect(lines[1]).toMatch(/^SP-4,WABC,2026-01-05 06:00:00,30s,Client 4,not_an_integer,Duration,/);
  });

  it('executes nothing in a file’s name', async () => {
    const name = '<img src=x onerror=alert(1)><script>alert(2)</script>"\'&amp;.csv';
    show({ files: [liveFile({ name })], closed: [closedFile({ name, verdict: `failed: ${name}` })] });
    await page.getByText(name).first().waitFor();
    expect(await page.locator('main img, main script').count()).toBe(0);
    expect(await page.getByText(name).count()).toBe(3);
  });

  it('reports that the cloud does not answer, and shows the last known state', async () => {
    world.sight = { ...world.sight, unanswered: { since: '2026-01-05T02:00:03.000Z', why: 'Nothing answers.' } };
    await page
      .getByRole('alert')
      .filter({ hasText: 'The state cannot be read (since 21:00:03); trying again.' })
      .waitFor();
    expect(await row('avion-2026-01-04.csv').count()).toBe(1);
  });

  it.each(['light', 'dark'] as const)('is readable in %s colours', async (colorScheme) => {
    await page.context().close();
    show({
      files: [liveFile({ deadline_margin_seconds: -60, projected: 'LATE by 1 min' })],
      headlines: [
        headlineOf('alarm', '1 file in progress; it is late.', 'progress'),
        headlineOf('warning', '12 dead.', 'dead-letters'),
      ],
    });
    await world.room.close();
    const { sight } = world;
    world = Object.assign(await openRoom(), { sight });
    await open({ colorScheme });
    const contrasts = await page.evaluate<{ text: string; ratio: number }[]>(contrastsOfTexts);
    expect(contrasts.length).toBeGreaterThan(20);
    expect(contrasts.filter(({ ratio }) => ratio < 4.5)).toEqual([]);
  });

  it('fits a small window', async () => {
    await page.setViewportSize({ width: 360, height: 640 });
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
  });
});

/** In the page: each text's contrast with its background, as WCAG computes it. */
const contrastsOfTexts = `(() => {
  const channels = (colour) => colour.match(/[0-9.]+/g).map(Number);
  const luminance = (colour) => {
    const [r, g, b] = channels(colour).slice(0, 3).map((value) => {
      const share = value / 255;
      return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const colour = getComputedStyle(each).backgroundColor;
      if (channels(colour)[3] !== 0) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  const texts = [...document.body.querySelectorAll('*')].filter(
    (element) => element.checkVisibility() && [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()),
  );
  return texts.map((element) => {
    const [a, b] = [luminance(getComputedStyle(element).color), luminance(ground(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    return { text: element.textContent.trim().slice(0, 40), ratio };
  });
})()`;
