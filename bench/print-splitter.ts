import type { SpeedFigures, SpeedTask } from './measure-speed.ts';

const tasks: [SpeedTask, string][] = [
  ['sha256', 'SHA-256 alone'],
  ['pass1', 'pass 1'],
  ['newlines', 'newline scan alone'],
  ['pass2', 'pass 2'],
  ['pass2Stringified', 'pass 2 and JSON.stringify'],
  ['gunzip', 'gunzip alone'],
];

/** Megabytes (10^6) and records a second, and each pass as a share of its raw limit. */
export function speedTable(figures: SpeedFigures[]): string {
  const lines = ['', 'MB/s, medians'.padEnd(28) + figures.map(({ name }) => name.padStart(19)).join('')];
  const line = (title: string, cell: (one: SpeedFigures) => string): void => {
    lines.push(title.padEnd(28) + figures.map((one) => cell(one).padStart(19)).join(''));
  };
  for (const [task, title] of tasks) line(title, ({ bytes, medianMs }) => (bytes / 1e3 / medianMs[task]).toFixed(0));
  line('pass 1 : SHA-256', ({ pass1OfSha256 }) => percent(pass1OfSha256));
  line('pass 2 : newline scan', ({ pass2OfNewlines }) => percent(pass2OfNewlines));
  line('pass 2, records/s', ({ records, medianMs }) =>
    Math.round((records / medianMs.pass2) * 1e3).toLocaleString('en'),
  );
  line('bytes a record', ({ bytes, records }) => (bytes / records).toFixed(0));
  line('batches as text', ({ texts, batches }) => percent(texts / batches));
  return lines.join('\n');
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)}%`;
}
