import { displayWidth, flat } from './format.ts';

export interface Column {
  title: string;
  align?: 'right';
}

/** A table with two blanks between columns and no trailing blanks. Each cell is one line. */
export function formatTable(columns: readonly Column[], rows: readonly (readonly string[])[], indent = ''): string {
  const titled = columns.some((column) => column.title !== '');
  const cells = rows.map((row) => row.map(flat));
  const lines = titled ? [columns.map((column) => column.title), ...cells] : cells;
  const widths = columns.map((_, index) => Math.max(0, ...lines.map((line) => displayWidth(line[index] ?? ''))));
  const format = (line: readonly string[]): string => {
    const padded = columns.map((column, index) => {
      const text = line[index] ?? '';
      const blanks = ' '.repeat((widths[index] ?? 0) - displayWidth(text));
      return column.align === 'right' ? blanks + text : text + blanks;
    });
    return `${indent}${padded.join('  ')}`.trimEnd();
  };
  return lines.map((line) => `${format(line)}\n`).join('');
}

/** Names and values, with aligned values. */
export function formatPairs(pairs: readonly (readonly [string, string])[], indent = ''): string {
  return formatTable([{ title: '' }, { title: '' }], pairs, indent);
}
