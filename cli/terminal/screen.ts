import type { Terminal } from './terminal.ts';

const hideCursor = '\u001b[?25l';
const showCursor = '\u001b[?25h';
const clearToEnd = '\u001b[J';
const clearLine = '\u001b[K';
const clearAll = '\u001b[2J\u001b[H';

/**
 * A block of terminal lines that is redrawn in place. Earlier output stays above it.
 */
export class Screen {
  readonly #out: Terminal['stdout'];
  #painted = 0;
  #isOpen = false;
  /** After a resize the terminal has wrapped the old lines, so their number is unknown. */
  readonly #onResize = (): void => {
    if (this.#isOpen) this.#out.write(clearAll);
    this.#painted = 0;
  };
  /** A second Ctrl-C ends the process at once; the cursor is restored. */
  readonly #onExit = (): void => {
    if (this.#isOpen) this.#out.write(showCursor);
  };

  constructor(out: Terminal['stdout']) {
    this.#out = out;
  }

  open(): void {
    this.#isOpen = true;
    this.#out.write(hideCursor);
    this.#out.on('resize', this.#onResize);
    process.once('exit', this.#onExit);
  }

  /** @param lines not wider than the terminal, and fewer than its rows, so that it does not scroll */
  paint(lines: readonly string[]): void {
    const up = this.#painted === 0 ? '' : `\u001b[${this.#painted}A`;
    const text = lines.map((line) => `${line}${clearLine}\n`).join('');
    this.#out.write(`\r${up}${text}${clearToEnd}`);
    this.#painted = lines.length;
  }

  /** Ends redrawing; the last lines stay. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    // The terminal has echoed the Ctrl-C.
    this.#out.write(`\r${clearLine}${showCursor}`);
    this.#out.off('resize', this.#onResize);
    process.off('exit', this.#onExit);
  }
}
