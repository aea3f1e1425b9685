import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { earlierUnknown } from '../../../../lambdas/core/answers/refusal.ts';
import { chromiumPath, launchChromium, withoutChromium } from '../../../support/chromium.ts';
import type { ComparedRow } from '../../../../lambdas/core/series/comparison-csv.ts';
import { fileAccount } from '../../../support/file-account.ts';
import { addNights, threeNights } from '../../../support/room-nights.ts';
import type { RoomWorld } from '../../../support/open-room.ts';
import { deadFileId, openRoom } from '../../../support/open-room.ts';

/** Each view, by its address, and a text that shows that its content is there. */
const views: [address: string, ready: string][] = [
  ['#/', '1 file in progress'],
  ['#/dead', 'Duration must be a whole number'],
  ['#/dead?feed=traffic&reason=http_422', 'unknown station WXYZ'],
  ['#/files', 'avion-2026-01-03.csv'],
  [`#/file/${deadFileId}`, 'Show all 12'],
  ['#/file/traffic.open', 'Cancel this file'],
  [`#/record/${deadFileId}/4`, 'Correct it here'],
  [`#/record/${deadFileId}/44`, 'unknown station WXYZ'],
  ['#/file/traffic.revised', 'Duration'],
  ['#/file/traffic.held', 'Only what changed'],
  ['#/changes/traffic.revised', 'page 1 of 2'],
  ['#/changes/traffic.revised?only=removed', '1 record'],
  ['#/import', 'Corrected CSV'],
  ['#/api/avstar', 'The last six hours'],
  ['#/nights', '3 nights'],
  ['#/night/traffic/1', 'traffic/WABC_20261121.csv'],
  ['#/night/traffic/2', 'NOT HERE'],
];

describe.skipIf(chromiumPath === undefined)(`the control room’s views in Chromium${withoutChromium}`, () => {
  let browser: Browser;
  let world: RoomWorld;
  let page: Page;
  let complaints: string[];

  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser.close());
  beforeEach(async () => {
    world = await openRoom();
    addNights(world.fixture, await threeNights());
    const open = fileAccount({ fileId: 'traffic.open', createdAt: Date.now() });
    world.fixture.ledger.files.set(open.fileId, open);
    const row = (spot: string, seconds: number) => `${spot},WABC,2026-01-05 06:00:00,${seconds},<b>Client</b>`;
    const place = (spot: string) => ({ identity: [spot, '2026-01-05 06:00:00'] });
    const earlier = (record: number) => ({ earlier: { fileId: 'traffic.earlier', record } });
    const changed: ComparedRow[] = [
      { change: 'changed', record: 1, ...earlier(1), ...place('A'), before: row('A', 30), after: row('A', 60) },
      { change: 'removed', ...earlier(2), ...place('B'), before: row('B', 30) },
      ...Array.from({ length: 60 }, (_, n) => ({
        ...{ change: 'new' as const, record: n + 2, ...place(`C${n}`), after: row(`C${n}`, 30) },
      })),
    ];
    world.fixture.addRevision({ fileId: 'traffic.revised', createdAt: Date.now() }, changed);
    const gone: ComparedRow = { change: 'removed', ...earlier(3), ...place('Z'), before: row('Z', 15) };
    await world.fixture.addHeldRevision('traffic.held', [...changed, gone]);
    complaints = [];
  });
  afterEach(async () => {
    await page.context().close();
    await world.jobs.stop();
    await world.room.close();
    expect(complaints).toEqual([]);
  });

  async function open(width = 1280, colorScheme: 'light' | 'dark' = 'light'): Promise<void> {
    const context = await browser.newContext({
      ...{ viewport: { width, height: 844 }, colorScheme, reducedMotion: 'reduce' },
    });
    context.setDefaultTimeout(20_000);
    page = await context.newPage();
    page.on('console', (message) => {
      if (message.type() === 'error' && !message.text().includes('409')) complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(world.room.link);
    await page.getByRole('heading', { level: 1, name: /in progress/ }).waitFor();
  }

  async function goTo([address, ready]: readonly [string, string]): Promise<void> {
    await page.evaluate(`location.hash = ${JSON.stringify(address)}`);
    await page.getByRole('main').getByText(ready).locator('visible=true').first().waitFor();
  }

  /** Rules that axe finds broken, with where. */
  async function faultsOf(place: string): Promise<string[]> {
    const { violations, passes } = await page.evaluate<axe.AxeResults>('axe.run(document)');
    expect(passes.length, place).toBeGreaterThan(15);
    return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${place}: ${id}: ${html.slice(0, 200)}`));
  }

  describe.each([390, 768, 1280])('at %d px', (width) => {
    it.each(['light', 'dark'] as const)(
      'are accessible and need no horizontal scrolling, in %s colours',
      async (scheme) => {
        await open(width, scheme);
        await page.evaluate(axe.source);
        const faults: string[] = [];
        for (const view of views) {
          await goTo(view);
          faults.push(...(await faultsOf(view[0])));
          const tooWide = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
          if (tooWide > 0) faults.push(`${view[0]}: ${tooWide} px too wide`);
        }
        await page.evaluate('location.hash = "#/"');
        await page.getByRole('button', { name: 'Pause traffic' }).click();
        await page.getByRole('dialog', { name: 'Pause traffic?' }).waitFor();
        faults.push(...(await faultsOf('the dialog')));
        expect(faults).toEqual([]);
      },
    );
  });

  it('show verdict, projected end, dead letters and the stop on a phone’s first screen', async () => {
    await open(390);
    const bottoms = await page.evaluate<Record<string, number>>(`({
      verdict: document.getElementById('verdict').getBoundingClientRect().bottom,
      end: document.querySelector('[data-part=done]').getBoundingClientRect().bottom,
      dead: document.getElementById('remarks').getBoundingClientRect().bottom,
      stop: document.querySelector('[data-part=pause]').getBoundingClientRect().bottom,
    })`);
    expect(Object.entries(bottoms).filter(([, bottom]) => bottom > 844)).toEqual([]);
    expect(await page.getByRole('heading', { level: 1 }).innerText()).toContain('done about 21:40');
  });

  it('lead from the overview to a file, to a record and back, by keyboard', async () => {
    await open();
    await page.getByRole('link', { name: 'Files', exact: true }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Closed files' }).waitFor();
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Closed files');
    await page.getByRole('link', { name: 'avion-2026-01-03.csv' }).press('Enter');
    await page.getByRole('heading', { level: 1, name: 'avion-2026-01-03.csv' }).waitFor();
    await page.getByText('Done, with 12 dead letters').waitFor();
    await page.getByRole('row').filter({ hasText: '49' }).getByRole('link').press('Enter');
    await page.getByText('Dead letter, refused (http_422)').waitFor();
    await page.reload();
    await page.getByRole('heading', { level: 1, name: 'Record 49 of avion-2026-01-03.csv' }).waitFor();
    await page.goBack();
    await page.getByRole('heading', { level: 1, name: 'avion-2026-01-03.csv' }).waitFor();
  });

  it('filter and search dead letters, and redrive what is shown', async () => {
    await open();
    await goTo(['#/dead', '12 dead letters']);
    await page.getByRole('combobox', { name: 'Reason' }).selectOption('not_an_integer');
    await page.getByText('8 dead letters, as of').waitFor();
    await page.getByLabel('Search record').fill('Client 2');
    await page.keyboard.press('Enter');
    await page.getByText('2 dead letters, as of').waitFor();
    expect(page.url()).toContain('#/dead?reason=not_an_integer&text=Client+2');
    await page.getByRole('button', { name: 'Redrive these…' }).click();
    await page.getByText('that contain “Client 2”').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Redrive' }).click();
    await page.getByRole('status').filter({ hasText: 'Redrive of traffic, 2 dead letters' }).waitFor();
    expect(world.redriven[0]?.records).toEqual(new Set([`${deadFileId}/24`, `${deadFileId}/29`]));
  });

  it('check a correction while it is typed, and send it after showing what changes', async () => {
    await open();
    await goTo([`#/record/${deadFileId}/4`, 'Correct it here']);
    const sendIt = page.getByRole('button', { name: 'Send the correction…' });
    const duration = page.getByLabel('Duration (at fault)');
    await duration.fill('30.5');
    await page.getByText('Not valid yet: Duration must be a whole number of seconds.').waitFor();
    expect(await sendIt.getAttribute('aria-disabled')).toBe('true');
    await duration.fill('30');
    await page.getByText('Valid. 1 field changed: Duration.').waitFor();
    await sendIt.click();
    await page.getByText('Duration: “30s” becomes “30”.').waitFor();
    await page.getByLabel('What was corrected, and why').fill('no units');
    await page.getByRole('dialog').getByRole('button', { name: 'Send' }).click();
    await page.getByRole('status').filter({ hasText: 'Correction of traffic, record 4' }).waitFor();
    expect(world.fixture.sent).toMatchObject([
      { kind: 'correction', record: 4, row: { Duration: '30' }, why: 'no units' },
    ]);
  });

  it('send a row in doubt as a new record only if that is ticked', async () => {
    await world.fixture.ledger.addFailure(deadFileId, 4, { ...earlierUnknown, at: 1 }, undefined);
    await open();
    await goTo([`#/record/${deadFileId}/4`, 'Correct it here']);
    await page.locator('textarea[name=Duration]').fill('30');
    await page.getByText('Valid. 1 field changed: Duration.').waitFor();
    await page.getByRole('button', { name: 'Send the correction…' }).click();
    await page.getByLabel('What was corrected, and why').fill('no units');
    const box = page.getByLabel('I have looked: the API has no earlier version of this row.');
    expect(await box.isChecked()).toBe(false);
    await box.check();
    await page.getByRole('dialog').getByRole('button', { name: 'Send' }).click();
    await page.getByRole('status').filter({ hasText: 'Correction of traffic, record 4' }).waitFor();
    expect(world.fixture.sent).toMatchObject([{ kind: 'correction', record: 4, as_new: true }]);
  });

  it('send the correction that was checked and shown, although an earlier check is answered last', async () => {
    await open();
    await goTo([`#/record/${deadFileId}/4`, 'Correct it here']);
    const { promise: isReleased, resolve: release } = Promise.withResolvers<void>();
    let checks = 0;
    await page.route('**/api/record/check', async (route) => {
      if (checks++ === 0) await isReleased;
      await route.continue();
    });
    const asked = page.waitForRequest('**/api/record/check');
    await page.getByLabel('Duration (at fault)').fill('3');
    await asked;
    await page.getByLabel('Duration (at fault)').fill('30');
    await page.getByText('Valid. 1 field changed: Duration.').waitFor();
    const late = page.waitForResponse('**/api/record/check');
    release();
    await (await late).finished();
    await page.getByRole('button', { name: 'Send the correction…' }).click();
    await page.getByText('Duration: “30s” becomes “30”.').waitFor();
    await page.getByLabel('What was corrected, and why').fill('no units');
    await page.getByRole('dialog').getByRole('button', { name: 'Send' }).click();
    await page.getByRole('status').filter({ hasText: 'Correction of traffic, record 4' }).waitFor();
    expect(world.fixture.sent).toMatchObject([{ row: { Duration: '30' } }]);
  });

  it('ask why before a feed is paused, keep the input after a refusal, and show what applies', async () => {
    await open();
    await page.getByRole('button', { name: 'Pause traffic' }).click();
    const dialog = page.getByRole('dialog', { name: 'Pause traffic?' });
    await dialog.getByRole('button', { name: 'Pause' }).click();
    await dialog.getByText('Why it is paused is needed.').waitFor();
    expect(await world.fixture.limiter.listDecisions()).toEqual([]);
    await dialog.getByLabel('Why it is paused').fill('the API’s owner asked');
    await dialog.getByRole('button', { name: 'Pause' }).click();
    await page.getByText('PAUSED by the operator').first().waitFor();
    await page.getByRole('button', { name: 'Resume traffic' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Resume' }).click();
    await page.getByRole('button', { name: 'Pause traffic' }).waitFor();

    await page.getByRole('button', { name: 'Limit traffic' }).click();
    await page.getByRole('dialog').getByLabel('Requests in 60 s').fill('6000');
    await page.getByRole('dialog').getByLabel('Why it is changed').fill('faster');
    await page.getByRole('button', { name: 'Change the limit' }).click();
    await page.getByRole('alert').filter({ hasText: 'can be at most what is deployed' }).waitFor();
    expect(await page.getByRole('dialog').getByLabel('Why it is changed').inputValue()).toBe('faster');
    await page.keyboard.press('Escape');
  });

  it('cancel a file from its page', async () => {
    await open();
    await goTo(['#/file/traffic.open', 'Cancel this file']);
    await page.getByRole('button', { name: 'Cancel this file…' }).click();
    await page.getByRole('dialog').getByLabel('Why it is stopped').fill('last week’s log');
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel the file' }).click();
    await page.getByText('Cancelled by the operator: last week’s log').waitFor();
    await page.getByRole('button', { name: 'Cancel this file…' }).waitFor({ state: 'hidden' });
  });

  it('release a held revision only with a choice and a reason, after showing what it changes', async () => {
    await open();
    await goTo(['#/file/traffic.held', 'Only what changed']);
    expect(await page.getByRole('button', { name: 'Release…' }).isVisible()).toBe(false);
    const changed = page.getByRole('table', { name: 'What it changes' }).getByRole('row').filter({ hasText: 'A · ' });
    expect(await changed.innerText()).toMatch(/changed\s+A · 2026-01-05 06:00:00\s+Duration\s+30\s+60/);
    // After the first ten rows of the list.
    await page.getByRole('table', { name: 'Removed records' }).getByText('Z · 2026').waitFor();
    const form = page.getByRole('region', { name: 'Decide what is sent' });
    await form.getByText('Its 60 new and 1 changed records are sent.').waitFor();
    await form.getByText('The 2 removed records stay there until a person removes them.').first().waitFor();
    const release = form.getByRole('button', { name: 'Release' });
    await form.getByLabel('Why it is to be sent').fill('a new grid');
    await release.click();
    await form.getByRole('alert').filter({ hasText: 'Choose what is sent.' }).waitFor();
    await form.getByRole('radio', { name: 'Only what changed' }).check();
    await form.getByLabel('Why it is to be sent').fill(' ');
    await release.click();
    await form.getByRole('alert').filter({ hasText: 'is needed' }).waitFor();
    expect(world.fixture.intake).toEqual([]);
    await form.getByLabel('Why it is to be sent').fill('a new grid');
    await release.click();
    await page.getByText('Released, only what changed, by the operator: a new grid').waitFor();
    await form.waitFor({ state: 'hidden' });
    expect(world.fixture.intake).toMatchObject([{ kind: 'reemit', fileId: 'traffic.held' }]);
    const released = await world.fixture.ledger.getFile('traffic.held');
    expect(released?.release).toMatchObject({ by: 'the operator', why: 'a new grid', sends: 'changes' });
  });

  it('release a held revision and have it go on without an earlier one that is in progress, or do that later', async () => {
    await world.fixture.putInSeries(['traffic.open', 'traffic.held']);
    await open();
    await goTo(['#/file/traffic.held', 'Only what changed']);
    const form = page.getByRole('region', { name: 'Decide what is sent' });
    await form.getByText('Once released, it waits until traffic.open is closed').waitFor();
    await form.getByRole('checkbox', { name: 'Go on without traffic.open' }).check();
    await form.getByRole('radio', { name: 'Only what changed' }).check();
    await form.getByLabel('Why it is to be sent').fill('a new grid');
    await form.getByRole('button', { name: 'Release' }).click();
    await page.getByText('traffic.held goes on without traffic.open, decided by the operator: a new grid').waitFor();
    expect(world.fixture.ledger.files.get('traffic.open')?.abandonedFor).toMatchObject({ fileId: 'traffic.held' });
  });

  it('have a released revision that waits go on without the earlier one', async () => {
    await world.fixture.putInSeries(['traffic.open', 'traffic.held']);
    await world.fixture.ledger.releaseQuarantine('traffic.held', 'ann', 'it is right', 'changes');
    await open();
    await goTo(['#/file/traffic.held', 'Go on without the earlier file']);
    await page.getByRole('button', { name: 'Go on without the earlier file…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('Nothing more of traffic.open is sent').waitFor();
    await dialog.getByLabel('Why it does not wait any longer').fill('it hangs');
    await dialog.getByRole('button', { name: 'Go on without it' }).click();
    await page.getByText('traffic.held goes on without traffic.open, decided by the operator: it hangs').waitFor();
    await page.getByRole('button', { name: 'Go on without the earlier file…' }).waitFor({ state: 'hidden' });
  });

  it('pause the feed from the page of a file in progress, and resume it there', async () => {
    await open(390);
    await goTo(['#/file/traffic.open', 'Cancel this file']);
    await page.getByRole('button', { name: 'Pause traffic…' }).click();
    await page.getByRole('dialog').getByLabel('Why it is paused').fill('the API’s owner asked');
    await page.getByRole('dialog').getByRole('button', { name: 'Pause' }).click();
    await page.getByRole('button', { name: 'Resume traffic…' }).click();
    expect(await world.fixture.limiter.listDecisions()).toMatchObject([
      { kind: 'pause', why: 'the API’s owner asked' },
    ]);
    await page.getByRole('dialog').getByRole('button', { name: 'Resume' }).click();
    await page.getByRole('button', { name: 'Pause traffic…' }).waitFor();
  });

  it('show what a corrected CSV changes before it is sent', async () => {
    await open();
    await goTo(['#/import', 'Corrected CSV']);
    const name = 'corrected.csv';
    const row = 'SP-4,WABC,2026-01-05 06:00:00,30,Client 4';
    const sha256 = (await world.fixture.ledger.getDead(deadFileId, 4))?.sha256 ?? '';
    const csv = `SpotID,StationCode,AirDateTime,Duration,ClientName,sluice_file_id,sluice_record,sluice_sha256\n${row},${deadFileId},4,${sha256}\n`;
    await page.getByLabel('Corrected CSV').setInputFiles({ name, mimeType: 'text/csv', buffer: Buffer.from(csv) });
    await page.getByText('1 row changed, of 1 file; 0 unchanged, 0 resolved since.').waitFor();
    expect(world.fixture.sent).toEqual([]);
    await page.getByRole('button', { name: 'Send these corrections…' }).click();
    await page.getByLabel('What was corrected, and why').fill('no units');
    await page.getByRole('dialog').getByRole('button', { name: 'Send' }).click();
    await page.getByText('The corrections are being sent').waitFor();
    expect(world.fixture.sent).toMatchObject([{ record: 4, row: { Duration: '30' }, why: 'no units' }]);
  });

  it('show the report without giving it the room’s origin', async () => {
    await open();
    await goTo([`#/file/${deadFileId}`, 'Documents']);
    const opened = page.context().waitForEvent('page');
    await page.getByRole('link', { name: 'Report', exact: true }).click();
    const report = await opened;
    await report.getByText('The report.').waitFor();
    expect(await report.evaluate('[self.origin, window.opener]')).toEqual(['null', null]);
    const asked = report.evaluate('fetch("/api/snapshot").then(({ status }) => status, () => "blocked")');
    expect(await asked).toBe('blocked');
  });
});
