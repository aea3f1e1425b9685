/** How an import may be set: what separates cells, and what may enclose one. */
export interface ImportSettings {
  separators: string;
  quote: '"' | "'" | undefined;
}

/** Every cell that a spreadsheet would read from a text, however rows are split. As in LibreOffice, a quote counts at a cell's start. */
export function importedCells(text: string, { separators, quote }: ImportSettings): string[] {
  const cells: string[] = [];
  let cell = '';
  let isQuoted = false;
  let isStart = true;
  const end = (): void => {
    cells.push(cell);
    cell = '';
    isStart = true;
  };
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (isQuoted) {
      if (character !== quote) cell += character;
      else if (text[at + 1] === quote) cell += text.charAt(at++);
      else isQuoted = false;
    } else if (isStart && character === quote) {
      isQuoted = true;
      isStart = false;
    } else if (separators.includes(character) || character === '\n' || character === '\r') end();
    else {
      cell += character;
      isStart = false;
    }
  }
  end();
  return cells;
}

/** Whether a program could run it: blanks and what can't be seen before it don't count. A number is none. */
export function couldBeFormula(cell: string): boolean {
  const seen = cell.replace(/^[\s\p{C}]+/u, '');
  return /^[=+\-@\uff0b\uff0d\uff1d\uff20]/.test(seen) && !/^-[0-9]+(?:\.[0-9]+)?$/.test(seen);
}
