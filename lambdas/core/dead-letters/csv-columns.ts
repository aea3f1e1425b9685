/** Columns of the source in a reconciliation CSV. Spreadsheets take 1,024 (older LibreOffice) to 16,384. */
export const maxSourceColumns = 200;
/** A longer name is no column: its field stands among the others. Characters. */
export const maxNameCharacters = 100;
/** Names that are counted at once. */
const maxCounted = 2_000;

/**
 * Chooses the columns for the source's fields: those that the feed declares, then the most frequent ones. JSON records
 * may have any number of names; memory is bounded whatever they are, and time grows with the fields that were noted.
 *
 * Counts names as Misra and Gries do ("Finding repeated elements", 1982): where there are too many, each loses what the
 * least frequent one has, so that what is frequent stays.
 */
export class CsvColumns {
  readonly #declared: ReadonlySet<string>;
  readonly #counts = new Map<string, number>();

  /** @param declared names that are columns wherever they were met */
  constructor(declared: readonly string[]) {
    this.#declared = new Set(declared);
  }

  /** @param times how many records have these fields */
  note(names: Iterable<string>, times = 1): void {
    for (const name of names) {
      // Without a name there is nothing to correct it by.
      if (name === '' || name.length > maxNameCharacters) continue;
      const before = this.#counts.get(name);
      if (before !== undefined) this.#counts.set(name, before + times);
      else this.#add(name, times);
    }
  }

  /** In the order in which they were met. */
  chosen(): string[] {
    const ranked = [...this.#counts].sort(([a, countA], [b, countB]) => this.#rank(b, countB) - this.#rank(a, countA));
    const chosen = new Set(ranked.slice(0, maxSourceColumns).map(([name]) => name));
    return [...this.#counts.keys()].filter((name) => chosen.has(name));
  }

  #rank(name: string, count: number): number {
    return this.#declared.has(name) ? Infinity : count;
  }

  #add(name: string, times: number): void {
    let left = times;
    while (this.#counts.size >= maxCounted && !this.#declared.has(name)) {
      const least = Math.min(
        left,
        ...[...this.#counts].flatMap(([known, count]) => (this.#declared.has(known) ? [] : count)),
      );
      left -= least;
      for (const [known, count] of this.#counts) {
        if (this.#declared.has(known)) continue;
        if (count > least) this.#counts.set(known, count - least);
        else this.#counts.delete(known);
      }
      if (left === 0) return;
    }
    this.#counts.set(name, left);
  }
}
