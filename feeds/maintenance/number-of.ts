/** A JSON number, also one with more digits than a double holds, which comes as its text. Else undefined. */
export function numberOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value !== 'object' || value === null || !('rawJSON' in value) || !Object.isFrozen(value)) return undefined;
  return Number(value.rawJSON);
}
