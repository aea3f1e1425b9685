import { describe, expect, it } from 'vitest';
import { viewOf } from '../../../cli/live/views.ts';
import { Screen } from '../../../cli/terminal/screen.ts';
import { Terminal } from '../../../cli/terminal/terminal.ts';
import { EmulatedTerminal } from '../../support/emulated-terminal.ts';
import { liveFile, liveSnapshot } from '../../support/live-snapshot.ts';
import { RecordedStream } from '../../support/recorded-stream.ts';

describe('a screen', () => {
  it('is repainted in place, whatever is above it, with fewer lines and with more', () => {
    const out = new EmulatedTerminal(40, 12);
    out.write('$ sluice watch\n');
    const screen = new Screen(out);
    screen.open();
    for (const lines of [['one, and long', 'two', 'three'], ['1'], ['a', 'b', 'c', 'd']]) {
      screen.paint(lines);
      expect(out.seen).toEqual(['$ sluice watch', ...lines]);
    }
    expect(out.isCursorHidden).toBe(true);
    screen.close();
    expect(out.isCursorHidden).toBe(false);
    out.write('$ ');
    expect(out.seen.at(-1)).toBe('$');
  });

  it('that begins at the bottom of the terminal scrolls once, and then stays', () => {
    const out = new EmulatedTerminal(40, 6);
    for (let line = 1; line <= 6; line++) out.write(`before ${line}\n`);
    const screen = new Screen(out);
    for (const letter of ['a', 'b', 'c']) {
      const lines = [1, 2, 3, 4].map((number) => `${letter}${number}`);
      screen.paint(lines);
      expect(out.seen).toEqual(['before 6', ...lines]);
    }
  });
});

it('a live view of many files stays within its rows, over many repaints and a change of size', async () => {
  const out = new EmulatedTerminal(90, 20);
  const view = viewOf({ terminal: new Terminal(out, new RecordedStream()), isJson: false, isOnce: false, env: {} });
  const files = Array.from({ length: 100 }, (_, index) =>
    liveFile({ file_id: `f${index}`, name: `long-${'x'.repeat(60)}` }),
  );
  for (const seconds of ['00', '01', '02']) {
    const snapshot = liveSnapshot({ files, at: `2026-01-05T02:00:${seconds}.000Z` });
    await view.show({ snapshot, unanswered: null });
    expect(out.seen[0]).toContain(`21:00:${seconds}`);
    expect(out.seen.filter((line) => line.includes('21:00:'))).toHaveLength(1);
  }
  [out.columns, out.rows] = [50, 12];
  out.emit('resize');
  expect(out.seen[0]).toContain('21:00:02');
  expect(out.seen.length).toBeLessThan(12);
  view.close();
});
