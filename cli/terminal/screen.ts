import type { Terminal } from './terminal.ts';

const hideCursor = '\u001b[?25l';
const showCursor = '\u001b[?25h';
const clearToEnd = '\u001b[J';
const clearLine = '\u001b[K';
const clearAll = '\u001b[2J\u001b[H';

/**
 * Some lines of the terminal that are painted over again and again, where the cursor stood at first. What was there
 * before stays above them.
 */
export class Screen {
  readonly #out: Terminal['stdout'];
  #painted = 0;
  #isOpen = false;
  /** The terminal has wrapped the old lines as it likes: how many they are now, nobody knows. */
  readonly #onResize = (): void => {
    if (this.#isOpen) this.#out.write(clearAll);
    this.#painted = 0;
  };
  /** A second Ctrl-C ends the process at once: not without its cursor. */
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

  /** @param lines none wider than the terminal, and fewer than it has rows: else it would scroll */
  paint(lines: readonly string[]): void {
    const up = this.#painted === 0 ? '' : `\u001b[${this.#painted}A`;
    const text = lines.map((line) => `${line}${clearLine}\n`).join('');
    this.#out.write(`\r${up}${text}${clearToEnd}`);
    this.#painted = lines.length;
  }

  /** What was painted last stays. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    // The terminal has echoed the Ctrl-C.
    this.#out.write(`\r${clearLine}${showCursor}`);
    this.#out.off('resize', this.#onResize);
    process.off('exit', this.#onExit);
  }
}
