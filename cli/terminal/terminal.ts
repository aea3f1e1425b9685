import { randomUUID } from 'node:crypto';
import type { Writable } from 'node:stream';
import { styleText } from 'node:util';
import { harmless, harmlessJson, oneLine } from './format.ts';

type Stream = Writable & { isTTY?: boolean; columns?: number; rows?: number };
type Style = Parameters<typeof styleText>[0];

/** Without a terminal to redraw, a line this often will do. Milliseconds. */
const plainEveryMs = 10_000;

const escape = '\u001b';
/**
 * Stands for the escape character of our own styles until they are written: every other one comes from other people's text,
 * which can't know this, and is taken out.
 */
const ownEscape = `\ue000${randomUUID()}`;

const withStyles = (text: string): string => text.replaceAll(ownEscape, escape);

/**
 * Where a command speaks: results to stdout, everything else to stderr. One line of progress is kept up to date on a
 * terminal; elsewhere it becomes a plain line now and then, and whenever its phase changes.
 */
export class Terminal {
  readonly stdout: Stream;
  readonly stderr: Stream;
  readonly #now: () => number;
  /** The reader of stdout has gone (`| head`): nothing more is written, and that is no fault. */
  #outputClosed = false;
  #drawn = '';
  #phase: string | undefined;
  #plainAt = 0;

  constructor(stdout: Stream, stderr: Stream, now: () => number = Date.now) {
    this.stdout = stdout;
    this.stderr = stderr;
    this.#now = now;
    stdout.on('error', (error) => this.#onOutputError(error));
    // Nobody reads the messages: the work goes on all the same.
    stderr.on('error', () => undefined);
  }

  get outputClosed(): boolean {
    return this.#outputClosed;
  }

  /** Columns of the terminal; 100 where there is none. */
  get columns(): number {
    return Math.max(40, this.stdout.columns ?? this.stderr.columns ?? 100);
  }

  /** To stdout; a pipe is given the text as it is. Resolves when it may be given more. */
  async print(text: string): Promise<void> {
    this.#erase();
    if (this.#outputClosed) return;
    await new Promise<void>((resolve) => {
      // The callback comes with an error too; the listener has dealt with it.
      this.stdout.write(withStyles(this.stdout.isTTY ? harmless(text) : text), () => resolve());
    });
  }

  async printJson(value: unknown): Promise<void> {
    await this.print(`${harmlessJson(JSON.stringify(value, null, 2))}\n`);
  }

  /** A message, to stderr. */
  note(text: string): void {
    this.#erase();
    this.stderr.write(`${withStyles(harmless(text))}\n`);
  }

  /** The state of things, to stderr: replaces what was said before. */
  progress(phase: string, text: string): void {
    if (this.stderr.isTTY) {
      // The last column is left free: some terminals wrap when it is written to.
      const line = oneLine(text, Math.max(20, (this.stderr.columns ?? 100) - 1));
      if (line === this.#drawn) return;
      this.stderr.write(`\r\u001b[2K${line}`);
      this.#drawn = line;
      return;
    }
    const now = this.#now();
    if (phase === this.#phase && now - this.#plainAt < plainEveryMs) return;
    this.#phase = phase;
    this.#plainAt = now;
    this.stderr.write(`${harmless(text)}\n`);
  }

  /** Takes the progress line away. */
  endProgress(): void {
    this.#erase();
    this.#phase = undefined;
  }

  /** For what is printed; plain where stdout isn't a terminal or `NO_COLOR` is set. No style is left within the text. */
  readonly style = (style: Style, text: string): string =>
    styleText(style, harmless(text), { stream: this.stdout }).replaceAll(escape, ownEscape);

  /** The same for notes. */
  readonly styleNote = (style: Style, text: string): string =>
    styleText(style, harmless(text), { stream: this.stderr }).replaceAll(escape, ownEscape);

  /** For lines that are painted over, which go to stdout as they are: see `paintLine`. */
  readonly paint = (style: Style, text: string): string => styleText(style, harmless(text), { stream: this.stdout });

  #erase(): void {
    if (this.#drawn === '') return;
    this.stderr.write('\r\u001b[2K');
    this.#drawn = '';
  }

  #onOutputError(error: NodeJS.ErrnoException): void {
    if (error.code !== 'EPIPE' && error.code !== 'ERR_STREAM_DESTROYED') throw error;
    this.#outputClosed = true;
  }
}
