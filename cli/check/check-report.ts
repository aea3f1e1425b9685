import type { ControlKind } from '../../feeds/control-rule.ts';
import type { CsvDialect } from '../../lambdas/core/records/dialect.ts';
import type { RejectGroup } from './group-rejects.ts';
import type { Repetition } from './repeated-ids.ts';

/** What is wrong with a file as a whole. */
export interface FileWarning {
  code: string;
  message: string;
}

/** What `check --json` prints, in a manifest's words where it has the same things. */
export interface CheckReport {
  file: string;
  feed: string;
  stage: string;
  bytes: number;
  checksum: string;
  /** What would become of it. */
  state: 'completed' | 'failed' | 'quarantined';
  failure: { code: string; message: string } | null;
  format: string | null;
  encoding: string | null;
  compression: string | null;
  zip_member: string | null;
  decoded_from: string | null;
  content_bytes: number | null;
  /** Of a CSV. */
  csv: {
    delimiter: CsvDialect['delimiter'];
    line_break: CsvDialect['lineBreak'];
    columns: string[];
    first_record_line: number;
  } | null;
  /** Which files it would be a revision of; null if the feed has no series. */
  series: SeriesCheck | null;
  /** What the control file beside it says; null if the feed requires none. */
  control: ControlCheck | null;
  /** One record, taken together with other small files. */
  is_small_file: boolean;
  total_records: number;
  valid_records: number;
  rejected_records: number;
  /** Rows behind another header: nothing of them is sent. */
  held_records: number;
  rejects: RejectGroup[];
  /** Valid records with the request id of an earlier one: the API would answer them as duplicates. */
  repeated_records: number;
  repetitions: Repetition[];
  warnings: FileWarning[];
  /** What the feed has to say about valid records. */
  record_warnings: { message: string; count: number }[];
  upload: UploadForecast;
  cost: { dollars: number; lambda_dollars: number };
}

export interface ControlCheck {
  name: string;
  kind: ControlKind;
  /** `missing`: there is none beside the file, which would wait for it. */
  result: 'agrees' | 'differs' | 'missing';
  /** What differs. */
  message: string | null;
}

export interface SeriesCheck {
  pattern: string;
  /** Null if the name does not match: the file would be sent whatever came before it. */
  id: string | null;
  /** The values that identify the series, by name. */
  parts: Record<string, string>;
  /** The number that gives the order. */
  number: number | null;
  /** What the API does with a changed record; null: a person decides. */
  changed_records: 'replaces' | 'supersedes' | null;
}

export interface UploadForecast {
  requests: number;
  window_seconds: number;
  /** False where the numbers only say what to expect. */
  paced: boolean;
  records_per_second: number;
  seconds: number;
  starts_at: string;
  done_at: string;
  deadline_at: string | null;
  /** From its end to the deadline; negative where it is late. */
  margin_seconds: number | null;
}
