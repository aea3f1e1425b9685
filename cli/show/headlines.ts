import { toneStyles } from '../live/format-sections.ts';
import type { Headline } from '../live/snapshot.ts';
import { flat } from '../terminal/format.ts';
import type { Terminal } from '../terminal/terminal.ts';

/** Headlines above other output, a line each; nothing if there are none. */
export function formatHeadlines(headlines: readonly Headline[], { style }: Pick<Terminal, 'style'>): string {
  const lines = headlines.map(({ tone, text }) => {
    const colour = toneStyles[tone];
    return colour === undefined ? flat(text) : style(colour, flat(text));
  });
  return lines.length === 0 ? '' : `${lines.join('\n')}\n\n`;
}
