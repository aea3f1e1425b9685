/**
 * Where a letter's digest is stored. The letter's id leads there, since a reader of the letter knows nothing else about
 * it.
 */
export interface NotePlace {
  /** Letters that were sent together. */
  note: string;
  /** From 0. */
  place: number;
}

export function letterIdOf(note: string, place: number): string {
  return `${note}.${place}`;
}

/** Undefined if the id does not come from a note: the letter was made again, or is of an earlier version. */
export function placeOf(letterId: string): NotePlace | undefined {
  const match = letterId.length <= 200 ? /^([0-9A-Za-z-]+)\.([0-9]{1,4})$/.exec(letterId) : null;
  return match ? { note: match[1] as string, place: Number(match[2]) } : undefined;
}
