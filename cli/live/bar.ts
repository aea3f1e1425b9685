import { formatShare } from '../terminal/format.ts';
import type { Line } from '../terminal/lines.ts';
import type { LiveFile } from './snapshot.ts';

/** What bars are made of. */
export interface Glyphs {
  settled: string;
  split: string;
  rest: string;
}

export const blocks: Glyphs = { settled: '█', split: '▒', rest: '░' };
/** For terminals that know letters only. */
export const letters: Glyphs = { settled: '#', split: '=', rest: '.' };

/** A file in one bar: what came to an end, what is cut and waits, what is still to be read. */
export function fileBar(file: LiveFile, width: number, glyphs: Glyphs): Line {
  const settled = cellsOf(file.settled_share ?? 0, width);
  const split = Math.max(settled, cellsOf(file.split_share, width));
  return [
    { text: glyphs.settled.repeat(settled), style: 'green' },
    { text: glyphs.split.repeat(split - settled), style: 'cyan' },
    { text: glyphs.rest.repeat(width - split), style: 'dim' },
  ];
}

/** A share of a limit. */
export function shareBar(share: number, width: number, glyphs: Glyphs): Line {
  const cells = cellsOf(Math.min(1, share), width);
  return [
    { text: glyphs.settled.repeat(cells), style: 'green' },
    { text: glyphs.rest.repeat(width - cells), style: 'dim' },
  ];
}

/** Full only when nothing is left. */
function cellsOf(share: number, width: number): number {
  return Math.min(width, Math.floor(share * width));
}

/** How far it is, in a word: of its upload, or of what comes before. */
export function shareOf(file: LiveFile): string {
  const { activity, checksum_share: checksum, split_share: split, settled_share: settled } = file;
  if (activity === 'checksum') return checksum === null ? '' : formatShare(checksum, 1);
  if (activity === 'splitting') return formatShare(split, 1);
  return settled === null ? '' : formatShare(settled, 1);
}
