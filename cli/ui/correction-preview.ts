/** What the corrected row comes to, before it is sent. */
export interface RowCheck {
  changes: { column: string; before: string | null; after: string }[];
  /** What the feed's rules find in it; null if it is valid. */
  fault: string | null;
}

/** What a corrected CSV would send. */
export interface ImportPreview {
  /** Names the plan, to have it sent. */
  id: string;
  changed: number;
  files: number;
  unchanged: number;
  /** Rows whose record has been resolved since. */
  resolved: number;
  /** Columns that the files do not have: not sent. */
  ignored: string[];
  columns: { column: string; rows: number; is_suspicious: boolean; before: string | null; after: string }[];
  /** Rows that would be rejected again, and the first of them. */
  faulty: number;
  faults: { line: number; file_id: string; record: number; fault: string }[];
}
