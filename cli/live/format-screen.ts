import { zoneText } from '../../lambdas/core/deadlines/deadline-text.ts';
import { formatCountOf, oneLine } from '../terminal/format.ts';
import type { Line, Paint } from '../terminal/lines.ts';
import { paintLine, wrapWords } from '../terminal/lines.ts';
import type { Glyphs } from './bar.ts';
import {
  apiLines,
  closedLines,
  deadLines,
  expectedLines,
  fileLines,
  queueLines,
  title,
  toneStyles,
} from './format-sections.ts';
import { secondsText, unansweredText } from './screen-texts.ts';
import type { PolledSnapshot } from './snapshot-poller.ts';
import type { Snapshot } from './snapshot.ts';

export interface ScreenSize {
  columns: number;
  /** Undefined: no limit. */
  rows: number | undefined;
}

/** Minimum rows of a section (title, two lines and a blank): with fewer it is left out. */
const fewestLines = 4;

/** The whole snapshot in lines that fit the terminal: files first, then the rest as far as there is room. */
export function formatScreen(
  { snapshot, unanswered }: PolledSnapshot,
  { columns, rows }: ScreenSize,
  glyphs: Glyphs,
  paint: Paint,
): string[] {
  const width = columns - 1;
  const unansweredLine: Line[] = unanswered === null ? [] : [[{ text: unansweredText(unanswered), style: 'red' }]];
  const lines: Line[] = snapshot ? [...headOf(snapshot, width, unansweredLine)] : unansweredLine;
  // The last row is the cursor's.
  const room = rows === undefined ? Infinity : Math.max(1, rows - 1);
  const sections = snapshot ? sectionsOf(snapshot, columns, glyphs) : [];
  sections.forEach((section, index) => {
    const left = room - lines.length;
    // The first section may be long: the others get up to half of the rows.
    const wanted = sections.slice(index + 1).reduce((sum, { lines: of }) => sum + of.length + 2, 0);
    const fitted = fit(section, index === 0 ? Math.max(Math.ceil(left / 2), left - wanted) : left);
    if (fitted.length > 0) lines.push([], ...fitted);
  });
  return lines.slice(0, room).map((line) => paintLine(line, width, paint));
}

function headOf(snapshot: Snapshot, width: number, unanswered: readonly Line[]): Line[] {
  const cloud = oneLine(snapshot.cloud, Math.max(10, width - 40));
  return [
    [
      { text: oneLine(snapshot.stack, 40), style: 'bold' },
      {
        text: `  ${cloud}  ${secondsText(snapshot)}, times in ${zoneText(snapshot.zone, Date.parse(snapshot.at))}`,
        style: 'dim',
      },
    ],
    ...unanswered,
    ...snapshot.headlines.flatMap(({ text, tone }) =>
      wrapWords(text, width).map((part): Line => [{ text: part, style: toneStyles[tone] }]),
    ),
  ];
}

interface Section {
  title: Line;
  lines: Line[];
  noun: string;
  /** Number of further entries that were left out already. */
  unshown?: number;
}

function sectionsOf(snapshot: Snapshot, columns: number, glyphs: Glyphs): Section[] {
  const { zone } = snapshot;
  const when = { zone, now: Date.parse(snapshot.at) };
  const all: Section[] = [
    {
      title: title('Files in progress'),
      lines: fileLines(snapshot.files, columns, glyphs),
      noun: 'file',
      unshown: snapshot.files_under_way - snapshot.files.length,
    },
    { title: title('Expected files'), lines: expectedLines(snapshot.expected_files), noun: 'expected file' },
    { title: title('APIs'), lines: apiLines(snapshot.apis, glyphs, when), noun: 'API' },
    {
      title: title('Open dead letters'),
      lines: deadLines(snapshot.dead_letters, snapshot.dead_letters_are_partial),
      noun: 'reason',
    },
    { title: title('Queues'), lines: queueLines(snapshot.queues), noun: 'queue' },
    { title: title('Closed last'), lines: closedLines(snapshot.closed, when), noun: 'file' },
  ];
  return all.filter(({ lines }) => lines.length > 0);
}

/** As much of the section as fits, with the blank line before it. */
function fit({ title: head, lines, noun, unshown = 0 }: Section, room: number): Line[] {
  if (unshown === 0 && room >= lines.length + 2) return [head, ...lines];
  if (room < fewestLines) return [];
  const shown = Math.min(lines.length, room - 3);
  const more = formatCountOf(lines.length - shown + unshown, `more ${noun}`);
  return [head, ...lines.slice(0, shown), [{ text: `  … and ${more}`, style: 'dim' }]];
}
