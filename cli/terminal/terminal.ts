import { randomUUID } from 'node:crypto';
import type { Writable } from 'node:stream';
import { styleText } from 'node:util';
import { harmless, harmlessJson, oneLine } from './format.ts';

type Stream = Writable & { isTTY?: boolean; columns?: number; rows?: number };
type Style = Parameters<typeof styleText>[0];

/** Interval of progress lines if there is no terminal to redraw. Milliseconds. */
const plainEveryMs = 10_000;

const escape = '\u001b';
/**
 * Stands for the escape character of our own styles until they are written. Every other escape character comes from foreign
 * text, which can't know this placeholder, and is removed.
 */
const ownEscape = `\ue000${randomUUID()}`;

const withStyles = (text: string): string => text.replaceAll(ownEscape, escape);

/**
 * A command's output: results to stdout, everything else to stderr. On a terminal one progress line is redrawn; elsewhere a
 * plain line is printed at intervals and whenever the phase changes.
 */
export class Terminal {
  readonly stdout: Stream;
  readonly stderr: Stream;
  readonly #now: () => number;
  /** The reader of stdout has closed it (`| head`): nothing more is written, which is not an error. */
  #outputClosed = false;
  #drawn = '';
  #phase: string | undefined;
  #plainAt = 0;
  /** `--quiet`: messages and progress are left out. */
  quiet = false;

  constructor(stdout: Stream, stderr: Stream, now: () => number = Date.now) {
    this.stdout = stdout;
    this.stderr = stderr;
    this.#now = now;
    stdout.on('error', (error) => this.#onOutputError(error));
    // Messages are not read any more; the work continues.
    stderr.on('error', () => undefined);
  }

  get outputClosed(): boolean {
    return this.#outputClosed;
  }

  /** Columns of the terminal; 100 if there is none. */
  get columns(): number {
    return Math.max(40, this.stdout.columns ?? this.stderr.columns ?? 100);
  }

  /** Writes to stdout; a pipe gets the text unchanged. Resolves when more may be written. */
  async print(text: string): Promise<void> {
    this.#erase();
    if (this.#outputClosed) return;
    await new Promise<void>((resolve) => {
      // The callback gets the error too; the listener has handled it.
      this.stdout.write(withStyles(this.stdout.isTTY ? harmless(text) : text), () => resolve());
    });
  }

  async printJson(value: unknown): Promise<void> {
    await this.print(`${harmlessJson(JSON.stringify(value, null, 2))}\n`);
  }

  /** The same as a JSON array, one item after the other: memory does not grow with their number. */
  async printJsonItems(items: AsyncIterable<unknown>): Promise<void> {
    // Whole lines, since progress is drawn over the line that the cursor is on; so each waits for the next, or the end.
    let waiting: string | undefined;
    for await (const item of items) {
      if (this.#outputClosed) return;
      await this.print(waiting === undefined ? '[\n' : `${waiting},\n`);
      waiting = harmlessJson(`  ${JSON.stringify(item, null, 2).replaceAll('\n', '\n  ')}`);
    }
    await this.print(waiting === undefined ? '[]\n' : `${waiting}\n]\n`);
  }

  /** Writes a message to stderr, unless `quiet` is set. */
  note(text: string): void {
    if (!this.quiet) this.alert(text);
  }

  /** The same, even if `quiet` is set: an error, or what the user is about to confirm. */
  alert(text: string): void {
    this.#erase();
    this.stderr.write(`${withStyles(harmless(text))}\n`);
  }

  /** Writes progress to stderr, replacing the previous progress. */
  progress(phase: string, text: string): void {
    if (this.quiet) return;
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

  /** Removes the progress line. */
  endProgress(): void {
    this.#erase();
    this.#phase = undefined;
  }

  /** Styles text for stdout; plain if stdout is not a terminal or `NO_COLOR` is set. Styles within the text are removed. */
  readonly style = (style: Style, text: string): string =>
    styleText(style, harmless(text), { stream: this.stdout }).replaceAll(escape, ownEscape);

  /** The same for stderr. */
  readonly styleNote = (style: Style, text: string): string =>
    styleText(style, harmless(text), { stream: this.stderr }).replaceAll(escape, ownEscape);

  /** Styles for redrawn lines, which go to stdout unchanged: see `paintLine`. */
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
