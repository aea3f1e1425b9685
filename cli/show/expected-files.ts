import { expectedLines, title } from '../live/format-sections.ts';
import type { LiveExpected } from '../live/snapshot.ts';
import { paintLine } from '../terminal/lines.ts';
import type { Terminal } from '../terminal/terminal.ts';

/** A line for each file that should arrive. */
export function formatExpected(expected: readonly LiveExpected[], { style }: Pick<Terminal, 'style'>): string {
  const lines = [title('Expected files'), ...expectedLines(expected)];
  return `${lines.map((line) => paintLine(line, Infinity, style)).join('\n')}\n`;
}
