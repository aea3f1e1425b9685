import axe from 'axe-core';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NightEntry } from '../../../../lambdas/core/nights/night-entry.ts';
import { nightMail } from '../../../../lambdas/core/nights/night-mail.ts';
import { renderNight } from '../../../../lambdas/core/nights/night-page.ts';
import { verdictOfNight } from '../../../../lambdas/core/nights/night-verdict.ts';
import { chromiumPath, launchChromium, withoutChromium } from '../../../support/chromium.ts';
import { threeNights } from '../../../support/room-nights.ts';

let nights: NightEntry[];
beforeAll(async () => {
  nights = (await threeNights()).entries();
});

const flat = (page: string): string =>
  page
    .replaceAll(/<style>.*?<\/style>/gs, '')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ');

describe('the verdict on a night', () => {
  it('says whether the station can go on air, and otherwise why not', () => {
    expect(nights.map(verdictOfNight).map(({ kind, sentence }) => [kind, sentence])).toEqual([
      ['look', 'Ready with exceptions: 12 records did not get through and need attention.'],
      ['bad', 'Not ready: WXYZ did not arrive.'],
      ['bad', 'Not ready: WXYZ_20261123.csv not finished yet.'],
    ]);
  });

  it('is good only if everything expected is there, and all that came is through in time', () => {
    const [first] = nights as [NightEntry];
    const sums = { ...first.sums, dead_lettered_records: 0 };
    const whole = { ...first, sums };
    expect(verdictOfNight(whole)).toMatchObject({
      kind: 'good',
      sentence: 'Ready: 1 file came, and all of it is through.',
    });
    const late = { ...whole, deadline: { time: '02:00', time_zone: 'UTC', met: false, margin_seconds: -90 } };
    expect(verdictOfNight(late)).toMatchObject({
      kind: 'look',
      sentence: 'Ready with exceptions: the deadline was missed.',
    });
    expect(verdictOfNight(late).details[0]).toBe('The deadline, 02:00 (UTC), was MISSED by 2 min.');
    expect(verdictOfNight({ ...whole, is_complete: false }).kind).toBe('bad');
    const [file] = first.received;
    if (!file) throw new Error('no file');
    for (const state of ['failed', 'quarantined'] as const) {
      expect(verdictOfNight({ ...whole, received: [{ ...file, state }] }).kind, state).toBe('bad');
    }
    const empty = { ...file, counts: { ...first.sums, total_records: 0 } };
    expect(verdictOfNight({ ...whole, received: [empty] }).sentence).toContain('without any record');
  });
});

describe('the page of a night', () => {
  it('begins with the answer, and has what was expected, what arrived, sums, and what changed before', () => {
    const [first, second, third] = nights.map((night) => flat(renderNight(night)));
    expect(second).toMatch(/^.{0,400}Not ready: WXYZ did not arrive\./);
    expect(second).toContain('WXYZ WXYZ_20261122*.csv Sun 22 Nov 01:30 NOT HERE');
    expect(first).toContain('was met 42 min before');
    expect(first).toMatch(/uploaded 980/);
    expect(first).toContain('12 records of 1 file, of all nights');
    expect(third).toContain('traffic/WXYZ_20261123.csv');
    expect(third).toContain('not finished');
  });

  it('shows hostile names as text, and is bounded in size', () => {
    const [first] = nights as [NightEntry];
    const [file] = first.received;
    if (!file) throw new Error('no file');
    const hostile = { ...file, key: 'traffic/</script><img src=x onerror=alert(1)>.csv' };
    const page = renderNight({ ...first, received: Array.from({ length: 2_000 }, () => hostile) });
    expect(page).not.toContain('<img');
    expect(page).toContain('The first 500 of 2,000; the entry has all.');
    expect(page.length).toBeLessThan(600_000);
  });

  it('is mailed with its number and hash, in ASCII', () => {
    const [, second] = nights as [NightEntry, NightEntry];
    const { subject, text } = nightMail(second, 'a'.repeat(64));
    expect(subject).toBe('Sluice traffic: night 2 (2026-11-22) NOT READY');
    expect(text).toContain(`SHA-256 of its entry: ${'a'.repeat(64)}`);
    expect(text).toContain('WXYZ (WXYZ_20261122*.csv): expected by 2026-11-22T01:30:00.000Z, NOT HERE');
  });
});

describe.skipIf(chromiumPath === undefined)(`the page of a night in Chromium${withoutChromium}`, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser.close());

  it.each(['light', 'dark'] as const)(
    'is accessible, fits a phone, and shows the answer first, in %s',
    async (colorScheme) => {
      const page = await browser.newPage({ viewport: { width: 390, height: 844 }, colorScheme, bypassCSP: true });
      const faults: string[] = [];
      for (const night of nights) {
        await page.setContent(renderNight(night));
        await page.evaluate(axe.source);
        const { violations } = await page.evaluate<axe.AxeResults>('axe.run(document)');
        faults.push(...violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`)));
        const box = await page.locator('#verdict').boundingBox();
        expect((box?.y ?? 1_000) + (box?.height ?? 0)).toBeLessThan(600);
        expect(await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
      }
      await page.close();
      expect(faults).toEqual([]);
    },
  );
});
