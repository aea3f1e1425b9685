/** Columns of the source in a reconciliation CSV. Spreadsheets take 1,024 (older LibreOffice) to 16,384. */
export const maxSourceColumns = 200;
/** A longer name is not a column: its field is kept among the others. Characters. */
export const maxNameCharacters = 100;
/** Names that are counted at the same time. */
const maxCounted = 2_000;

/**
 * Chooses the columns for the source's fields: those that the feed declares, then the most frequent ones. JSON records
 * may have any number of names; memory is bounded for any input, and time grows with the number of noted fields.
 *
 * Counts names by the algorithm of Misra and Gries ("Finding repeated elements", 1982): if there are too many, the least
 * frequent count is subtracted from each, so that frequent names remain.
 */
export class CsvColumns {
  readonly #declared: ReadonlySet<string>;
  readonly #counts = new Map<string, number>();

  /** @param declared names that are columns if they occur at all */
  constructor(declared: readonly string[]) {
    this.#declared = new Set(declared);
  }

  /** @param times number of records with these fields */
  note(names: Iterable<string>, times = 1): void {
    for (const name of names) {
      // A field without a name can't be corrected.
      if (name === '' || name.length > maxNameCharacters) continue;
      const before = this.#counts.get(name);
      if (before !== undefined) this.#counts.set(name, before + times);
      else this.#add(name, times);
    }
  }

  /** In order of first occurrence. */
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
