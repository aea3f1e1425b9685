/** Parts of a manifest, or of a file's summary. */
interface Counted {
  total_records: number | null;
  /** Of the earlier revision, with which it was compared. */
  removed_records: number;
}

/**
 * Whether a file that is completed has no records, and no one decided that it should have none: its export went wrong. A
 * revision that empties its log is not such a file: a person has released it, and removes the records from the schedule.
 */
export const isWithoutRecords = ({ total_records: total, removed_records: removed }: Counted): boolean =>
  total === 0 && removed === 0;
