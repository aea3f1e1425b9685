import { stripVTControlCharacters } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { viewOf } from '../../../../cli/live/views.ts';
import { PlainLines } from '../../../../cli/live/plain-lines.ts';
import { Terminal } from '../../../../cli/terminal/terminal.ts';
import { closedFile, headlineOf, liveFile, liveSnapshot } from '../../../support/live-snapshot.ts';
import { RecordedStream } from '../../../support/recorded-stream.ts';

const sightOf = (change: Parameters<typeof liveSnapshot>[0] = {}) => ({
  snapshot: liveSnapshot(change),
  unanswered: null,
});

function open(wish: { isTTY: boolean; isJson?: boolean; isOnce?: boolean; env?: NodeJS.ProcessEnv }) {
  const [out, err] = [new RecordedStream(), new RecordedStream()];
  Object.assign(out, { isTTY: wish.isTTY, columns: 120, rows: 30 });
  const terminal = new Terminal(out, err);
  const view = viewOf({ terminal, isJson: false, isOnce: false, env: {}, ...wish });
  return { out, err, view };
}

beforeEach(() => {
  vi.stubEnv('NO_COLOR', undefined);
  vi.stubEnv('FORCE_COLOR', undefined);
  vi.stubEnv('TERM', 'xterm-256color');
});
afterEach(() => vi.unstubAllEnvs());

describe('on a terminal', () => {
  it('is repainted in place, with the cursor hidden until the end', async () => {
    const { out, view } = open({ isTTY: true });
    expect(out.take()).toBe('\u001b[?25l');
    await view.show(sightOf());
    const lines = out.take().split('\n').length - 1;
    await view.show(sightOf());
    expect(out.take()).toMatch(new RegExp(`^\\r\\u001b\\[${lines}A`));
    view.close();
    expect(out.take()).toBe('\r\u001b[K\u001b[?25h');
  });

  it('is repainted completely when the terminal is resized, and fits it', async () => {
    const { out, view } = open({ isTTY: true });
    await view.show(sightOf({ files: Array.from({ length: 50 }, () => liveFile()) }));
    out.take();
    out.rows = 12;
    out.emit('resize');
    const text = out.take();
    expect(text.startsWith('\u001b[2J\u001b[H\r')).toBe(true);
    // With colours or without: not every terminal has them.
    expect(stripVTControlCharacters(text).trimStart().startsWith('sluice-test')).toBe(true);
    expect(text.split('\n').length - 1).toBeLessThan(12);
    view.close();
    expect(out.listenerCount('resize')).toBe(0);
  });

  it('that supports only ASCII gets lines, and a single snapshot has ASCII bars', async () => {
    const dumb = open({ isTTY: true, env: { TERM: 'dumb' } });
    await dumb.view.show(sightOf());
    expect(dumb.out.text).not.toContain('\u001b');
    const once = open({ isTTY: true, isOnce: true, env: { TERM: 'dumb' } });
    await once.view.show(sightOf());
    expect(stripVTControlCharacters(once.out.text)).toContain('####====');
  });

  it('has no colours if NO_COLOR is set', async () => {
    vi.stubEnv('NO_COLOR', '1');
    const { out, view } = open({ isTTY: true });
    await view.show(sightOf());
    view.close();
    expect(out.text).toContain('avion-2026-01-04.csv');
    // eslint-disable-next-line no-control-regex -- a colour begins with one
    expect(out.text).not.toMatch(/\u001b\[[0-9;]*m/);
  });
});

describe('without a terminal', () => {
  it('has no escape sequence and no colour', async () => {
    for (const isOnce of [true, false]) {
      const { out, view } = open({ isTTY: false, isOnce });
      await view.show(sightOf());
      view.close();
      expect(out.text).not.toContain('\u001b');
      expect(out.text).toContain('avion-2026-01-04.csv');
    }
  });

  it('is one JSON object per line and poll if requested, with other messages on stderr', async () => {
    const { out, err, view } = open({ isTTY: false, isJson: true });
    await view.show(sightOf());
    await view.show({ snapshot: undefined, unanswered: { since: '', why: 'Nothing is there.' } });
    await view.show(sightOf({ files: [] }));
    const objects = out.text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { files: unknown[] });
    expect(objects.map(({ files }) => files.length)).toEqual([1, 0]);
    expect(err.text).toBe('The state cannot be read; trying again. Nothing is there.\n');
  });
});

describe('plain lines', () => {
  it('report a file when its activity changes, and every 10 seconds', () => {
    let now = 0;
    const lines = new PlainLines(() => now);
    const told: [number, string[]][] = [];
    for (; now <= 21_000; now += 1_000) {
      const activity = now < 4_000 ? 'splitting' : 'uploading';
      const files = [liveFile({ activity, settled_share: now / 100_000 })];
      const fresh = lines.next(sightOf({ files })).filter((line) => line.includes('avion-2026-01-04.csv'));
      if (fresh.length > 0) told.push([now, fresh]);
    }
    expect(told.map(([at]) => at)).toEqual([0, 4_000, 14_000]);
    expect(told[1]?.[1]).toEqual([
      '21:00:00 America/New_York  avion-2026-01-04.csv: uploading  4%, 9,612 of 20,000  290/s  12 dead  done about 21:40 (in 40 min), 7 h 20 min ' +
        'before the deadline',
    ]);
  });

  it('report once how a file ended', () => {
    let now = 0;
    const lines = new PlainLines(() => now);
    const closed = [closedFile({ verdict: 'done, with 12 dead letters' })];
    const all: string[] = [];
    for (; now <= 30_000; now += 5_000) all.push(...lines.next(sightOf({ files: [], closed })));
    expect(all.filter((line) => line.includes('done, with 12 dead letters'))).toHaveLength(1);
  });

  it('report repeatedly that nothing is in progress', () => {
    let now = 0;
    const lines = new PlainLines(() => now);
    const headlines = [headlineOf('calm', 'Nothing is in progress.', 'progress')];
    const quiet = sightOf({ files: [], closed: [], headlines });
    expect(lines.next(quiet)).toEqual(['21:00:00 America/New_York  Nothing is in progress.']);
    now = 9_000;
    expect(lines.next(quiet)).toEqual([]);
    now = 10_000;
    expect(lines.next(quiet)).toHaveLength(1);
  });
});
