import { formatShare } from '../terminal/format.ts';
import type { Line } from '../terminal/lines.ts';
import type { LiveFile } from './snapshot.ts';

/** The characters of a bar. */
export interface Glyphs {
  settled: string;
  split: string;
  rest: string;
}

export const blocks: Glyphs = { settled: '█', split: '▒', rest: '░' };
/** For terminals without Unicode. */
export const letters: Glyphs = { settled: '#', split: '=', rest: '.' };

/** A file's bar: records that have ended, records that were cut and wait, bytes still to be read. */
export function fileBar(file: LiveFile, width: number, glyphs: Glyphs): Line {
  const settled = cellsOf(file.settled_share ?? 0, width);
  const split = Math.max(settled, cellsOf(file.split_share, width));
  return [
    { text: glyphs.settled.repeat(settled), style: 'green' },
    { text: glyphs.split.repeat(split - settled), style: 'cyan' },
    { text: glyphs.rest.repeat(width - split), style: 'dim' },
  ];
}

/** Bar for a share of a limit. */
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

/** Progress in a word: of the upload, or of the step before it. */
export function shareOf(file: LiveFile): string {
  const { activity, checksum_share: checksum, split_share: split, settled_share: settled } = file;
  if (activity === 'checksum') return checksum === null ? '' : formatShare(checksum, 1);
  if (activity === 'splitting') return formatShare(split, 1);
  return settled === null ? '' : formatShare(settled, 1);
}
