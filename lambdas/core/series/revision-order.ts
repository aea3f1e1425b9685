/** What decides which of two files of a series is the newer revision. */
export interface RevisionPlace {
  /** Of `{#}` in the series' pattern; absent if it has none. */
  number?: number;
  /** When S3 stored the file. Milliseconds since 1970. */
  modifiedAt: number;
  key: string;
  /** S3's order of the events of one key, hexadecimal. */
  sequencer?: string;
}

/**
 * The order of two revisions: by `{#}` if the pattern has it, then by the time that S3 stored them, then, within one key,
 * by S3's sequencer. `tie`: nothing shows which is newer, and a person must decide.
 */
export function compareRevisions(a: RevisionPlace, b: RevisionPlace): 'older' | 'newer' | 'tie' {
  if (a.number !== undefined && b.number !== undefined && a.number !== b.number) {
    return a.number < b.number ? 'older' : 'newer';
  }
  if (a.modifiedAt !== b.modifiedAt) return a.modifiedAt < b.modifiedAt ? 'older' : 'newer';
  if (a.key !== b.key || a.sequencer === undefined || b.sequencer === undefined) return 'tie';
  return compareSequencers(a.sequencer, b.sequencer);
}

/** S3: "right pad the shorter value with zeros to match the longer one, then compare lexicographically". */
function compareSequencers(a: string, b: string): 'older' | 'newer' | 'tie' {
  const length = Math.max(a.length, b.length);
  const [left, right] = [a, b].map((text) => text.toUpperCase().padEnd(length, '0')) as [string, string];
  if (left === right) return 'tie';
  return left < right ? 'older' : 'newer';
}
