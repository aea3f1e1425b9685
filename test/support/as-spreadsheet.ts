import { parse } from 'csv-parse/sync';

/** How a spreadsheet program saves an opened file. */
export interface SavingHabits {
  bom: boolean;
  lineBreak: '\n' | '\r\n';
  /** Inside cells. */
  cellBreak: '\n' | '\r\n' | undefined;
  delimiter: ',' | ';' | '\t';
  quotes: 'all' | 'needed';
  /** Empty cells at the end of each line, and lines of empty cells at the end. */
  trailing: number;
  /** Columns in another order: by these places, as far as there are so many. */
  moveColumn: readonly [number, number] | undefined;
}

/** A CSV opened and saved, without anything done to it. */
export function saveAsSpreadsheet(csv: string, habits: SavingHabits): string {
  const table: string[][] = parse(csv.replace(/^\uFEFF/, ''), { relax_column_count: true });
  const lines = table.map((cells) => formatLine(cells, habits));
  const empty = habits.delimiter.repeat((table[0]?.length ?? 1) - 1 + habits.trailing);
  for (let count = 0; count < habits.trailing; count++) lines.push(empty);
  return `${habits.bom ? '\uFEFF' : ''}${lines.join(habits.lineBreak)}${habits.lineBreak}`;
}

function formatLine(cells: readonly string[], habits: SavingHabits): string {
  const moved = [...cells];
  const [from, to] = habits.moveColumn ?? [0, 0];
  moved.splice(to % cells.length, 0, ...moved.splice(from % cells.length, 1));
  const { delimiter, quotes, cellBreak } = habits;
  const format = (cell: string): string => {
    const text = cellBreak === undefined ? cell : cell.replace(/\r\n|\n|\r/g, cellBreak);
    const needs = quotes === 'all' || text.includes(delimiter) || /["\r\n]/.test(text);
    return needs ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [...moved, ...Array<string>(habits.trailing).fill('')].map(format).join(delimiter);
}
