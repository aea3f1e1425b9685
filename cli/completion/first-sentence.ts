/** A description's first clause, for the one line that a shell shows beside a completion. */
export function firstSentence(description: string): string {
  return description.split(/[.:;] |\.$|\n/)[0] ?? description;
}
