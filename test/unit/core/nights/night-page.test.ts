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
      ['attention', 'Ready, but needs attention: 12 records did not get through.'],
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
    const [expected] = nights[1]?.expectations ?? [];
    if (!expected) throw new Error('nothing was expected');
    const stopped = { ...expected, state: 'missing', file_id: 'traffic.9', obstacle: 'quarantined' } as const;
    expect(verdictOfNight({ ...whole, expectations: [stopped] }).sentence).toBe(
      `Not ready: the file of ${expected.name} is stopped.`,
    );
    const late = { ...whole, deadline: { time: '02:00', time_zone: 'UTC', met: false, margin_seconds: -90 } };
    expect(verdictOfNight(late)).toMatchObject({
      kind: 'attention',
      sentence: 'Ready, but needs attention: the deadline was missed.',
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
    // A revision that a person has released.
    const emptied = { ...whole, received: [{ ...file, counts: { ...empty.counts, removed_records: 3 } }] };
    expect(verdictOfNight(emptied).kind).toBe('good');
  });
});

describe('the verdict on what another night has', () => {
  /** The first night, without its dead letters: it is ready. */
  function ready(): NightEntry & { received: [NightEntry['received'][number]] } {
    const [first] = nights as [NightEntry];
    const [file] = first.received;
    if (!file) throw new Error('no file');
    return { ...first, sums: { ...first.sums, dead_lettered_records: 0 }, received: [file] };
  }
  const expectation: NightEntry['expectations'][number] = {
    ...{ name: 'WABC', key: 'WABC_*.csv', by: '2026-11-21T02:00:00.000Z', records: 1 },
    ...{ state: 'met', late_seconds: null, file_id: 'other', obstacle: null },
  };

  it.each(['met', 'late'] as const)(
    'is bad if an expected file (%s) came after the end and is not finished',
    (state) => {
      const night = { ...ready(), expectations: [{ ...expectation, state, obstacle: 'unfinished' }] };
      expect(verdictOfNight(night)).toMatchObject({ kind: 'bad', sentence: 'Not ready: WABC not finished yet.' });
      expect(flat(renderNight(night))).toContain('NOT FINISHED');
      expect(nightMail(night, 'a'.repeat(64), 'station').text).toMatch(/(arrived|came late), NOT FINISHED; file other/);
    },
  );

  it('points to the entry before if that has other files of the same night', () => {
    expect(verdictOfNight({ ...ready(), number: 8, continues: true })).toMatchObject({
      kind: 'attention',
      sentence: 'Ready, but needs attention: night 7 has other files of the same time, see it as well.',
    });
  });

  it('counts the records of finished files only, and says so', () => {
    const night = ready();
    const [done, open] = [night.received[0], { ...night.received[0], file_id: 'o', state: 'split' as const }];
    const detailsWith = (received: NightEntry['received'], unfinished: number): string[] =>
      verdictOfNight({ ...night, received, files: { ...night.files, received: received.length, unfinished } }).details;
    expect(detailsWith([open], 1)).toContain('1 file received, none finished.');
    expect(detailsWith([done, open], 1)).toContain(
      '2 files received; of the 1 finished, 988 of 1,000 records are through.',
    );
  });

  it('names an expected file that came in an earlier night and has open dead letters', () => {
    const most = [{ file_id: 'other', key: 'traffic/WABC_1.csv', received: expectation.by, records: 3 }];
    const night = { ...ready(), expectations: [expectation], open_dead_letters: { files: 1, records: 3, most } };
    expect(verdictOfNight(night)).toMatchObject({
      kind: 'attention',
      sentence: 'Ready, but needs attention: 3 records of WABC did not get through.',
    });
  });

  it('is bad if a file was replaced by one that the entry does not have, not by one that it has', () => {
    const [file] = ready().received;
    const replaced = { ...file, file_id: 'old', state: 'superseded' as const, failure_code: 'source_replaced' };
    expect(verdictOfNight({ ...ready(), received: [{ ...replaced, key: 'traffic/WKEY.csv' }] }).kind).toBe('bad');
    expect(verdictOfNight({ ...ready(), received: [file, replaced] }).kind).toBe('good');
    const older = { ...replaced, key: 'traffic/WKEY.csv', failure_code: 'older_revision' };
    expect(verdictOfNight({ ...ready(), received: [file, older] }).kind).toBe('good');
  });

  it('names a file of an earlier night that failed or was stopped since', () => {
    const [file] = ready().received;
    for (const state of ['failed', 'quarantined'] as const) {
      const ended = { ...file, file_id: 'e', state, entry: 0, before: { state: 'split' as const, manifest_number: 0 } };
      expect(verdictOfNight({ ...ready(), earlier: [ended] }).kind, state).toBe('attention');
      const known = { ...ended, before: { state, manifest_number: 1 } };
      expect(verdictOfNight({ ...ready(), earlier: [known] }).kind, state).toBe('good');
    }
  });

  it('is not good if all that came has the same bytes as earlier files', () => {
    const files = { ...ready().files, completed: 0, duplicate: 1 };
    const night = { ...ready(), files, received: [{ ...ready().received[0], state: 'duplicate' as const }] };
    expect(verdictOfNight(night)).toMatchObject({
      kind: 'attention',
      sentence: expect.stringMatching(/^Nothing new came/) as string,
    });
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
    const { subject, text } = nightMail(second, 'a'.repeat(64), 'station');
    expect(subject).toBe('Sluice traffic: night 2 (2026-11-22) NOT READY');
    expect(text).toContain('sluice --stack station night 2 --feed traffic');
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
