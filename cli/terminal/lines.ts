import type { styleText } from 'node:util';
import { displayWidth, fitTo, flat } from './format.ts';

type Style = Parameters<typeof styleText>[0];

/** A piece of a line; its text is measured before it is coloured. */
export interface Span {
  text: string;
  style?: Style | undefined;
}
export type Line = readonly Span[];

export type Paint = (style: Style, text: string) => string;

/** Renders a line, cut to the width. Control characters in a span's text are removed. */
export function paintLine(line: Line, width: number, paint: Paint): string {
  let left = width;
  let painted = '';
  // Trailing blanks are not counted.
  const last = line.findLastIndex(({ text }) => text.trim() !== '');
  for (const { text, style } of line.slice(0, last + 1)) {
    if (left <= 0) break;
    const fitted = fitTo(flat(text), left);
    left -= displayWidth(fitted);
    painted += style === undefined || fitted.trim() === '' ? fitted : paint(style, fitted);
  }
  return painted.trimEnd();
}

/** Aligned rows with two blanks between cells; a cell may have several spans. */
export function alignRows(rows: readonly (readonly Line[])[], rightAligned: readonly number[] = []): Line[] {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, index) =>
    Math.max(...rows.map((row) => widthOf(row[index] ?? []))),
  );
  return rows.map((row) =>
    widths.flatMap((width, index) => {
      const cell = row[index] ?? [];
      const blanks = { text: ' '.repeat(width - widthOf(cell)) };
      const gap = { text: index === columns - 1 ? '' : '  ' };
      return rightAligned.includes(index) ? [blanks, ...cell, gap] : [...cell, blanks, gap];
    }),
  );
}

export function widthOf(line: Line): number {
  return line.reduce((width, { text }) => width + displayWidth(text), 0);
}

/** Wraps a sentence. */
export function wrapWords(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const longer = lines.length === 0 ? word : `${lines.at(-1)} ${word}`;
    if (lines.length > 0 && displayWidth(longer) <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}
