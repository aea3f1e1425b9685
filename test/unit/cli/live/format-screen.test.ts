import { stripVTControlCharacters, styleText } from 'node:util';
import { describe, expect, it } from 'vitest';
import { blocks, letters } from '../../../../cli/live/bar.ts';
import { formatScreen } from '../../../../cli/live/format-screen.ts';
import type { PolledSnapshot } from '../../../../cli/live/snapshot-poller.ts';
import type { Snapshot } from '../../../../cli/live/snapshot.ts';
import { displayWidth } from '../../../../cli/terminal/format.ts';
import type { Paint } from '../../../../cli/terminal/lines.ts';
import { headlineOf, liveFile, liveSnapshot } from '../../../support/live-snapshot.ts';

const plain: Paint = (_style, text) => text;
const coloured: Paint = (style, text) => styleText(style, text, { validateStream: false });
const sightOf = (change: Partial<Snapshot> = {}): PolledSnapshot => ({
  snapshot: liveSnapshot(change),
  unanswered: null,
});
const many = (count: number) =>
  Array.from({ length: count }, (_, index) => liveFile({ file_id: `f${index}`, name: `log-${index}.csv` }));

describe('the screen', () => {
  it('has one line per file with its bar, counts, dead letters and projected end', () => {
    const lines = formatScreen(sightOf(), { columns: 120, rows: 40 }, blocks, plain);
    expect(lines).toContain(
      '  avion-2026-01-04.csv  uploading  ██████▒▒▒▒▒▒▒▒  48%  9,612 of 20,000  12 dead  21:40, 7 h 20 min early',
    );
    expect(lines).toContain('  traffic  290/s of 298/s allowed  █████████░ 97%  breaker closed');
    expect(lines).toContain('  8  rejected  not_an_integer  traffic');
    expect(lines.find((line) => line.startsWith('  traffic  ') && line.includes('12 letters'))).toBeDefined();
  });

  it('states that a feed of an API is paused, and that the breaker stops the others', () => {
    const pause = { feed: 'traffic', since: '2026-01-05T01:00:00.000Z', by: 'ann', why: null, text: 'PAUSED by ann' };
    const { apis } = liveSnapshot();
    const open = { breaker: 'open' as const, breaker_reason: 'outage' as const };
    const linesOf = (change: Partial<Snapshot['apis'][number]>) =>
      formatScreen(
        sightOf({ apis: apis.map((api) => ({ ...api, paused: [pause], ...change })) }),
        { columns: 120, rows: 40 },
        blocks,
        plain,
      );
    expect(linesOf({}).join('\n')).toMatch(/97% {2}PAUSED: traffic$/m);
    expect(linesOf(open).join('\n')).toMatch(/97% {2}PAUSED: traffic, breaker OPEN \(outage\)$/m);
  });

  it('leaves out lanes whose queues are empty, and states that all are', () => {
    const [first] = liveSnapshot().queues;
    const empty = { ...first, messages: 0, dead_messages: 0 } as Snapshot['queues'][number];
    const all = formatScreen(sightOf({ queues: [empty] }), { columns: 120, rows: 40 }, blocks, plain);
    expect(all).toContain('  all empty');
    const some = formatScreen(sightOf(), { columns: 120, rows: 40 }, blocks, plain);
    expect(some.join('\n')).not.toMatch(/traffic express|all empty/);
  });

  it.each([
    [40, 10],
    [60, 14],
    [80, 24],
    [140, 50],
  ])('fits %i columns and %i rows, one of them reserved for the cursor', (columns, rows) => {
    const painted = formatScreen(sightOf({ files: many(60) }), { columns, rows }, blocks, coloured);
    expect(painted.length).toBeLessThan(rows);
    for (const line of painted) expect(displayWidth(stripVTControlCharacters(line))).toBeLessThan(columns);
  });

  it('counts the files that do not fit, and those that no snapshot has included', () => {
    const sight = sightOf({ files: many(30), files_under_way: 1_030 });
    const lines = formatScreen(sight, { columns: 100, rows: 24 }, blocks, plain);
    const shown = lines.filter((line) => line.includes('log-')).length;
    expect(lines).toContain(`  … and ${(1_030 - shown).toLocaleString('en-US')} more files`);
    expect(shown).toBeGreaterThan(3);
    expect(lines).toContain('Open dead letters');
  });

  it('lets no file name move the cursor or reverse the text', () => {
    const name = 'x\u001b[2J\u009b1A\r\n\u202eevil.csv';
    const [, ...lines] = formatScreen(
      sightOf({ files: [liveFile({ name })] }),
      { columns: 120, rows: 40 },
      blocks,
      plain,
    );
    // eslint-disable-next-line no-control-regex -- what must not be there
    expect(lines.join('')).not.toMatch(/[\u0000-\u001f\u009b\u202e]/);
    expect(lines.join('\n')).toContain('x·[2J·1A⏎·evil.csv');
  });

  it('draws bars of ASCII characters if there is nothing else', () => {
    const text = formatScreen(sightOf(), { columns: 120, rows: undefined }, letters, plain).join('\n');
    expect(text).toContain('######========');
    expect(text).not.toMatch(/[█▒░]/);
  });

  it('colours faults, and nothing if colours are off', () => {
    const late = [liveFile({ deadline_margin_seconds: -3_600 })];
    const text = formatScreen(sightOf({ files: late }), { columns: 120, rows: 40 }, blocks, coloured).join('\n');
    expect(text).toContain('\u001b[31mLATE by 1 h\u001b[39m');
    const off = formatScreen(sightOf({ files: late }), { columns: 120, rows: 40 }, blocks, plain).join('\n');
    expect(off).toBe(stripVTControlCharacters(text));
  });

  it('reports that the cloud does not answer, above the last known state', () => {
    const unanswered = { since: '2026-01-05T02:00:00.000Z', why: 'Nothing answers\u001b[2J at 127.0.0.1.' };
    const lines = formatScreen({ ...sightOf(), unanswered }, { columns: 120, rows: 40 }, blocks, plain);
    expect(lines[1]).toBe('The state cannot be read; trying again. Nothing answers·[2J at 127.0.0.1.');
    expect(lines.join('\n')).toContain('avion-2026-01-04.csv');
    const first = formatScreen({ snapshot: undefined, unanswered }, { columns: 60, rows: 40 }, blocks, plain);
    expect(first).toHaveLength(1);
  });

  it('breaks a long headline between words', () => {
    const headlines = [headlineOf('alarm', 'The API of traffic gets no records, the breaker is open: outage.')];
    const lines = formatScreen(sightOf({ headlines }), { columns: 41, rows: 40 }, blocks, plain);
    expect(lines.slice(1, 3)).toEqual(['The API of traffic gets no records, the', 'breaker is open: outage.']);
  });
});
