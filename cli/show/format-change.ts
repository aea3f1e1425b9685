import type { Dialect } from '../../lambdas/core/records/dialect.ts';
import type { ListedChange } from '../../lambdas/core/series/read-comparison.ts';
import { changedFields } from '../../lambdas/core/series/read-comparison.ts';
import { identityText } from '../archive/find-changes.ts';
import { oneLine } from '../terminal/format.ts';
import type { Terminal } from '../terminal/terminal.ts';

const colours = { new: 'green', changed: 'yellow', removed: 'red', 'not listed': 'bold' } as const;

/** Characters of a record's text on one line. */
const textWidth = 100;

/** A row of what a revision changes: what it is, and below it the values before and after. */
export function formatChange(
  row: ListedChange,
  dialect: Dialect | undefined,
  { style }: Pick<Terminal, 'style'>,
): string {
  const { change, note } = row;
  const kind = style(colours[change], change.padEnd(7));
  if (change === 'not listed') return `${kind}  ${oneLine(note, 200)}\n`;
  const lines = [`${kind}  ${oneLine(identityText(row), textWidth)}`, ...detailsOf(row, dialect)];
  return lines.map((line) => `${line}\n`).join('');
}

function detailsOf(row: ListedChange, dialect: Dialect | undefined): string[] {
  const { change, before, after, note } = row;
  const indent = ' '.repeat(9);
  const notes = note === '' ? [] : [`${indent}${oneLine(note, textWidth)}`];
  if (change !== 'changed') return [`${indent}${oneLine(before ?? after ?? '', textWidth)}`, ...notes];
  const fields = changedFields(row, dialect);
  if (!fields || fields.length === 0) {
    return [
      `${indent}before  ${oneLine(before ?? '', textWidth)}`,
      `${indent}after   ${oneLine(after ?? '', textWidth)}`,
      ...notes,
    ];
  }
  const shown = fields.map(({ name, before: old, after: own }) => {
    const [from, to] = [old ?? '(none)', own ?? '(none)'];
    return `${indent}${oneLine(`${name}: ${from} → ${to}`, textWidth)}`;
  });
  return [...shown, ...notes];
}
