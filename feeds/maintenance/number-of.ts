/** A JSON number, or one with more digits than a double holds, which is passed as text. Otherwise undefined. */
export function numberOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value !== 'object' || value === null || !('rawJSON' in value) || !Object.isFrozen(value)) return undefined;
  return Number(value.rawJSON);
}
