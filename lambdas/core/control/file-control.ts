import type { ControlKind } from '../../../feeds/control-rule.ts';
import type { CutPosition } from '../records/dialect.ts';

/**
 * What became of a file's control file.
 *
 * - `waiting`: the file is read, and waits for it
 * - `agrees`: it says what the file has
 * - `differs`: it says something else, or can't be read: the file is quarantined before anything of it is sent
 * - `not_compared`: a person has stopped or released the file before its control file came, or comparing the two took too
 *   long: then the file is quarantined as well
 */
export const controlStates = ['waiting', 'agrees', 'differs', 'not_compared'] as const;
export type ControlState = (typeof controlStates)[number];

/** On which occasions the desk is notified of a file that waits: it is overdue; its feed's deadline has come. */
export type ControlOccasion = 'overdue' | 'deadline';

/** A control file, pinned as a file's own source is. */
interface ControlVersion {
  bucket: string;
  key: string;
  versionId?: string;
  sequencer?: string;
  etag: string;
  sizeBytes: number;
}

/** A file's control file, in the file's item. Absent if its feed requires none. */
export interface FileControl {
  state: ControlState;
  kind: ControlKind;
  /** The control file's key, without its lane's prefix. */
  name: string;
  /** Since when the file waits, or has waited. Milliseconds since 1970. */
  waitingSince?: number;
  /** When the desk is to be notified that it still waits. */
  overdueAt?: number;
  /** Of what the desk has been notified. */
  notified?: ControlOccasion[];
  /** The version that it was compared with, and the SHA-256 of its bytes. */
  source?: ControlVersion;
  sha256?: string;
  /** When S3 stored that version. Milliseconds since 1970. */
  at?: number;
  /** `counts`: how far the file's records are counted. */
  counted?: CutPosition;
  /** How many values the file lacks, and how many it has beyond the control file's. */
  missing?: number;
  extra?: number;
  /** The list of both in the archive, for the desk. */
  differences?: { key: string; sha256: string };
}
