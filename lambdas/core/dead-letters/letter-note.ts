/** Where a letter's digest is noted: its id leads there, since whoever meets the letter knows nothing else of it. */
export interface NotePlace {
  /** Letters that were sent together. */
  note: string;
  /** From 0. */
  place: number;
}

export function letterIdOf(note: string, place: number): string {
  return `${note}.${place}`;
}

/** Undefined where the id is none that a note gave: a letter made again, or one of an earlier version. */
export function placeOf(letterId: string): NotePlace | undefined {
  const match = letterId.length <= 200 ? /^([0-9A-Za-z-]+)\.([0-9]{1,4})$/.exec(letterId) : null;
  return match ? { note: match[1] as string, place: Number(match[2]) } : undefined;
}
