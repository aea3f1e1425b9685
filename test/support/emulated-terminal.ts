import { Writable } from 'node:stream';

/** The subset of a terminal used here: its visible content. Throws at a sequence that it doesn't know. */
export class EmulatedTerminal extends Writable {
  readonly isTTY = true;
  columns: number;
  rows: number;
  isCursorHidden = false;
  #lines: string[];
  #row = 0;
  #column = 0;

  constructor(columns: number, rows: number) {
    super();
    this.columns = columns;
    this.rows = rows;
    this.#lines = Array.from({ length: rows }, () => '');
  }

  /** From the top, without the blank rows at the end. */
  get seen(): string[] {
    return this.#lines
      .slice(0, this.#lines.findLastIndex((line) => line.trim() !== '') + 1)
      .map((line) => line.trimEnd());
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    // eslint-disable-next-line no-control-regex -- commands to a terminal begin with one
    for (const [piece] of chunk.toString().matchAll(/\u001b\[[?0-9;]*[A-Za-z]|[\s\S]/gu)) this.#take(piece);
    done();
  }

  #take(piece: string): void {
    if (piece === '\r') this.#column = 0;
    else if (piece === '\n') this.#newLine();
    else if (piece.startsWith('\u001b')) this.#obey(piece.slice(2));
    else this.#put(piece);
  }

  #put(character: string): void {
    if (this.#column === this.columns) this.#newLine();
    const line = (this.#lines[this.#row] ?? '').padEnd(this.#column);
    this.#lines[this.#row] = line.slice(0, this.#column) + character + line.slice(this.#column + 1);
    this.#column++;
  }

  #newLine(): void {
    this.#column = 0;
    if (this.#row < this.rows - 1) this.#row++;
    else this.#lines = [...this.#lines.slice(1), ''];
  }

  #obey(order: string): void {
    if (/^[0-9;]*m$/.test(order)) return;
    if (order === '?25l' || order === '?25h') this.isCursorHidden = order.endsWith('l');
    else if (order === 'K') this.#lines[this.#row] = (this.#lines[this.#row] ?? '').slice(0, this.#column);
    else if (order === 'J') {
      this.#lines[this.#row] = (this.#lines[this.#row] ?? '').slice(0, this.#column);
      this.#lines = this.#lines.map((line, index) => (index > this.#row ? '' : line));
    } else if (order === '2J') this.#lines = this.#lines.map(() => '');
    else if (order === 'H') [this.#row, this.#column] = [0, 0];
    else if (/^[0-9]+A$/.test(order)) this.#row = Math.max(0, this.#row - Number.parseInt(order));
    else throw new Error(`This terminal does not know ${order}.`);
  }
}
