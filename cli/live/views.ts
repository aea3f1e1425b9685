import { harmlessJson } from '../terminal/format.ts';
import { Screen } from '../terminal/screen.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { blocks, letters } from './bar.ts';
import { formatScreen } from './format-screen.ts';
import { unansweredText } from './screen-texts.ts';
import type { PolledSnapshot } from './snapshot-poller.ts';
import { PlainLines } from './plain-lines.ts';

/** A way to show snapshots. */
export interface View {
  show(sight: PolledSnapshot): Promise<void>;
  close(): void;
}

export interface ViewWish {
  terminal: Terminal;
  isJson: boolean;
  /** A single snapshot: nothing is redrawn. */
  isOnce: boolean;
  env: NodeJS.ProcessEnv;
}

/** A terminal that can move its cursor is redrawn; elsewhere a line is printed for each piece of news. */
export function viewOf({ terminal, isJson, isOnce, env }: ViewWish): View {
  if (isJson) return jsonView(terminal);
  const isDumb = env['TERM'] === 'dumb';
  const glyphs = isDumb ? letters : blocks;
  if (isOnce) {
    const lines = (sight: PolledSnapshot) =>
      formatScreen(sight, { columns: terminal.columns, rows: undefined }, glyphs, terminal.style);
    return { show: (sight) => terminal.print(`${lines(sight).join('\n')}\n`), close: () => undefined };
  }
  return terminal.stdout.isTTY && !isDumb ? screenView(terminal) : plainView(terminal);
}

/** One JSON object per line. A failed read is reported on stderr. */
function jsonView(terminal: Terminal): View {
  return {
    show: async ({ snapshot, unanswered }) => {
      if (unanswered !== null) terminal.progress('unanswered', unansweredText(unanswered));
      else await terminal.print(`${harmlessJson(JSON.stringify(snapshot))}\n`);
    },
    close: () => undefined,
  };
}

function plainView(terminal: Terminal): View {
  const lines = new PlainLines(Date.now);
  return {
    show: async (sight) => {
      for (const line of lines.next(sight)) await terminal.print(`${line}\n`);
    },
    close: () => undefined,
  };
}

function screenView(terminal: Terminal): View {
  const screen = new Screen(terminal.stdout);
  screen.open();
  let last: PolledSnapshot | undefined;
  const paint = (): void => {
    if (!last) return;
    const { columns = 80, rows = 24 } = terminal.stdout;
    screen.paint(formatScreen(last, { columns, rows }, blocks, terminal.paint));
  };
  terminal.stdout.on('resize', paint);
  return {
    show: async (sight) => {
      last = sight;
      paint();
    },
    close: () => {
      terminal.stdout.off('resize', paint);
      screen.close();
    },
  };
}
