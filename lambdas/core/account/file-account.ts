import type { FileControl } from '../control/file-control.ts';
import type { CutLimits, CutPosition, Dialect } from '../records/dialect.ts';
import type { OutcomeCounts } from './outcome.ts';
import { sumCounts } from './outcome.ts';
import type { Revision } from '../series/revision.ts';
import type { Utf16Encoding } from '../records/decode-utf16.ts';
import type { FileDecision, Quarantine, Release } from './stops.ts';
import { isReleased } from './stops.ts';

/**
 * The state of a file.
 *
 * - `splitting`: claimed; being hashed or cut
 * - `split`: every batch is in the records queue
 * - `completed`: every batch is settled and the manifest is in the archive
 * - `duplicate`: an earlier file of the feed has the same bytes; nothing was sent
 * - `failed`: it can't be read as a file of the feed; nothing was sent
 * - `superseded`: replaced under the same key while it was read; what was not sent is held
 * - `quarantined`: too many rejects, or rows of another export; what was not sent is held
 *
 * `bundled` is a small file that is part of a bundle's account, with others of its kind.
 */
export const fileStates = [
  'splitting',
  'split',
  'completed',
  'duplicate',
  'failed',
  'superseded',
  'quarantined',
] as const;
export type FileState = (typeof fileStates)[number] | 'bundled';

/** The dropped object, pinned to the version that was seen first. */
export interface SourceObject {
  bucket: string;
  key: string;
  /** Absent if the bucket isn't versioned. */
  versionId?: string;
  /** S3's order of events per key; distinguishes uploads if there are no versions. */
  sequencer?: string;
  etag: string;
  sizeBytes: number;
}

/** A SHA-256 in progress, saved between invocations. */
export interface HashProgress {
  offset: number;
  /** The hash's internal state, base64. */
  state: string;
}

export const compressions = ['gzip', 'zip', 'zstd'] as const;
export type Compression = (typeof compressions)[number];

/** How an object stores its records if not as plain bytes: compressed, in UTF-16, or both. */
export interface StoredContent {
  compression?: Compression;
  /** Position of the compressed bytes in the object; absent if they are the whole object. */
  place?: { offset: number; bytes: number };
  /** The one file in a ZIP archive. */
  member?: { name: string; method: 'stored' | 'deflated' };
  /** The text's encoding. The content is its UTF-8, in which positions count. */
  decodedFrom?: Utf16Encoding;
  /** Decompressed and decoded. */
  bytes: number;
}

/** The ledger's item of a file. Times are milliseconds since 1970, UTC. */
export interface FileAccount {
  fileId: string;
  feed: string;
  lane: string;
  source: SourceObject;
  state: FileState;
  /**
   * Secret, 32 bytes in hex: proves that a message about the file is Sluice's own. Absent if claimed by an earlier
   * version.
   */
  messageKey?: string;
  createdAt: number;
  updatedAt: number;
  /** Raised by each claim: a splitter with an older epoch has lost the file. */
  epoch: number;
  leaseOwner?: string;
  leaseUntil?: number;
  sha256?: string;
  hashProgress?: HashProgress;
  /** Absent if the object's bytes are the records'. Offsets (of checkpoints, batches, records) refer to the content. */
  content?: StoredContent;
  dialect?: Dialect;
  /** Fingerprint of how the file is read: dialect, limits, the feed's rules (see core/account/reading.ts). */
  reading?: string;
  /** The control file that its feed requires: nothing is sent before it agrees. */
  control?: FileControl;
  /** Its bytes are those of an older revision of its series: its request ids contain the file id too. */
  idsHaveFileId?: true;
  /** While it waits: the earlier revision that it waits for, since when (milliseconds), and whether the desk knows. */
  waitsFor?: { fileId: string; since: number; isNotified?: true };
  /** Whether its changes may be sent, by the whole content of an earlier revision that was in progress. */
  guard?: 'passed' | 'failed';
  /** That revision's file id. Absent in an item of an earlier version. */
  guardAgainst?: string;
  /** What it is compared with: only its changes are sent. */
  revision?: Revision;
  /** A newer revision of its series has taken over: nothing more of this one is sent. */
  supersededBy?: { fileId: string; at: number };
  /**
   * The newer revision that goes on without this one, by a person's decision: nothing more of it is sent, not even a record
   * that may have been sent before.
   */
  abandonedFor?: { fileId: string; at: number };
  /** Until when a letter or a correction of the file may be being tried. */
  tryingUntil?: number;
  /**
   * Its series; absent until it has entered one. `taken`: all of it may be sent, since nothing more is sent of the revisions
   * before it. `sameBytes`: the newest revision with its bytes and its request ids, of which something was sent.
   */
  series?: { id: string; taken?: true; sameBytes?: string };
  warnings?: { code: string; message: string }[];
  limits: CutLimits;
  checkpoint?: CutPosition;
  /** The queue holds as much of the file as the API can take for a while: cutting continues at about that time. */
  heldBackUntil?: number;
  totalRecords?: number;
  totalBatches?: number;
  splitAt?: number;
  completedAt?: number;
  duplicateOf?: string;
  failure?: { code: string; message: string };
  /** The newest stop: what is not sent yet is held. Stays set after a release. */
  quarantine?: Quarantine;
  /** Set when a person has decided to send it anyway: the newest release. */
  release?: Release;
  /** People's decisions about the file, in order. Absent if there are none. */
  decisions?: FileDecision[];
  /**
   * The finalizer has found that every record ended, after that many releases: no record is left that could be held, so
   * the file can't be stopped any more.
   */
  closing?: number;
  /**
   * How far the finalizer has got, if the account takes longer than one invocation: it holds the lease (`leaseOwner`)
   * meanwhile. Absent before, and after the file is closed.
   */
  progressOfClosing?: ClosingProgress;
  /** Batches that the splitter had sent when it saw that the file was stopped; absent if it has sent all, or will. */
  sentBatches?: number;
  /** Set if it is a bundle, written by the splitter: the number of its small files. */
  bundle?: { members: number };
  /** Of a `bundled` file: its bundle. */
  bundleId?: string;
  /** Hints for progress and triggers; the items of the batches are authoritative. */
  settledBatches: number;
  /** When the last batch was settled. */
  lastSettledAt?: number;
  /** Since when its records are sent: when the first request of the first batch was sent, if no other batch was settled before. */
  sendingSince?: number;
  settled: OutcomeCounts;
  /** The newest manifest and its number (the first is 1). */
  manifest?: { key: string; number: number };
  /** When another manifest was requested that is not written yet. */
  amendmentRequestedAt?: number;
  /** When a dead letter of the file was last resolved: the next manifest waits until resolutions pause. */
  lastResolvedAt?: number;
  /** Its place in the feed's night log; absent until an entry has it. */
  night?: NightMark;
}

/** What the night log says of a file. */
export interface NightMark {
  /** The entry that has it as received; 0 if it was received before the log began. */
  entry: number;
  /** The last entry that mentions it, and how the file stood then; `manifest` is 0 if it had none. */
  noted: number;
  manifest: number;
  state: (typeof fileStates)[number];
}

/** What the finalizer has stored of a file that is being closed. */
export interface ClosingProgress {
  /** What is being closed: after a release or another stop, it is a different account. */
  of: string;
  /** SHA-256 of the saved state, an object in the work bucket; absent until the first one is saved. */
  state?: string;
  /** Uploads to the archive that are not completed yet. */
  uploads: { key: string; id: string }[];
}

/** The file's display name; a bundle's is the number of its small files. */
export function nameOfFile(key: string, bundledFiles: number | null | undefined): string {
  if (bundledFiles == null) return key;
  return bundledFiles === 1 ? '1 small file' : `${bundledFiles} small files`;
}

/** Bytes of the file's records, after decompression and decoding. */
export function contentBytesOf(file: Pick<FileAccount, 'source' | 'content'>): number {
  return file.content?.bytes ?? file.source.sizeBytes;
}

/** It is in progress: it has no final account yet. False if it is forgotten. */
export function isOpen(file: Pick<FileAccount, 'state'> | undefined): boolean {
  return file?.state === 'splitting' || file?.state === 'split';
}

/** Every batch that was sent is settled, by the hints: the finalizer should count. */
export function isWhollySettled(file: FileAccount): boolean {
  if (file.state === 'splitting') return false;
  const sendable = sendableBatches(file) ?? 0;
  // Held records of a released file are still to be sent.
  if (isReleased(file)) return file.settledBatches >= sendable && file.settled.held === 0;
  return file.settledBatches >= (file.sentBatches ?? sendable);
}

/** Batches that may be sent at all: those before another header, or all; undefined until known. */
export function sendableBatches({
  checkpoint,
  totalBatches,
}: Pick<FileAccount, 'checkpoint' | 'totalBatches'>): number | undefined {
  return checkpoint?.otherHeader?.batch ?? totalBatches;
}

/** Whether a manifest is due: the first one, or one of a file that was released. */
export function isManifestOwed(file: FileAccount): boolean {
  return file.manifest === undefined || (file.state === 'split' && file.release !== undefined);
}

/** Records that are in the queue or with a consumer: sent by the last checkpoint, and unsettled by the hints. */
export function unsettledRecords({ checkpoint, settled }: FileAccount): number {
  return (checkpoint?.otherHeader?.record ?? checkpoint?.record ?? 0) - sumCounts(settled);
}

/** The ledger's item of a batch. */
export interface BatchAccount {
  fileId: string;
  batch: number;
  attempt: number;
  state: 'open' | 'settled';
  records: number;
  firstRecord: number;
  leaseOwner?: string;
  leaseUntil?: number;
  /**
   * Consecutive claims that were never released: their consumers were killed or failed by a defect. Absent if the last
   * one was released.
   */
  unreleased?: number;
  counts?: OutcomeCounts;
  receiptsKey?: string;
  receiptsSha256?: string;
  settledAt?: number;
  /** It killed its consumer at every receive, and the reconciler accounted for it. */
  buried?: boolean;
  /** Saved progress of an unfinished attempt (see core/account/progress.ts). */
  progress?: Uint8Array;
}

/** One attempt's result, for the history of a dead record. */
export interface DeadAttempt {
  at: number;
  outcome: 'rejected' | 'refused' | 'exhausted';
  reason: string;
  error: string;
  status: number | null;
  /** What the API answered, without secrets. Absent if it did not answer, and in an item of an earlier version. */
  answer?: string;
  /** Set if a corrected row failed, not the file's original record. */
  correctionId?: string;
  /** The request id that was sent. Absent if none was, and in an item of an earlier version. */
  requestId?: string;
  /** Requests made of a refused one, if more than one: an earlier one may have been stored. */
  attempts?: number;
  /** Set if this is not an attempt but an altered letter: its SHA-256, and when its message was sent. */
  altered?: { sha256: string; sentAt: number };
}

/** A row that the desk sent in place of a record. */
export interface Correction {
  id: string;
  /** Who sent it. */
  by: string;
  /** The reason, if one was stated. */
  why?: string;
  at: number;
  /** By the source's column names. */
  row: Record<string, unknown>;
  /** Columns whose values differ from the record's. */
  changed: string[];
  /** The person knows that the API has no earlier version of it. */
  isNew?: true;
  /** It waits for its turn: nothing of it was sent. An item of an earlier version does not say that. */
  isUnsent?: true;
  /** Once it may have been sent. Absent in an item of an earlier version. */
  requestId?: string;
}

/** The API's answer to the request that succeeded, as in receipts: `answer` without secrets. */
export interface DeliveryAnswer {
  status: number;
  confirmedBy?: '409';
  answer?: string;
}

/** How a dead record was resolved. `handled`: by hand, outside of the API. */
export type DeadResolution =
  | { kind: 'uploaded' | 'duplicate'; requestId: string | null; correction?: Correction; answer?: DeliveryAnswer }
  | { kind: 'handled'; by: string; why: string };

/** The ledger's item of a record that has or had a letter. */
export interface DeadRecord {
  fileId: string;
  record: number;
  letterId: string;
  /**
   * SHA-256 of each letter that was made for the record under that id: no other letter is tried. Empty if the first
   * letter could not be checked; absent in an item of an earlier version.
   */
  letterDigests?: string[];
  /** SHA-256 of the record's bytes in the file. Absent in an item of an earlier version. */
  sha256?: string;
  /** What the record supersedes (core/series/revision-plan.ts). Absent if that is nothing. */
  earlier?: (string | null)[];
  state: 'dead' | 'resolved';
  outcome: 'rejected' | 'refused' | 'exhausted';
  /** Send time of the last failed message, by SQS's clock: a message that was sent later is a redrive and is tried. */
  failedMessageSentAt: number;
  history: DeadAttempt[];
  /** How often the history was written. Absent: never since the item was made, or by an earlier version. */
  historyVersion?: number;
  createdAt: number;
  /** The letter's SQS message that was seen last: retention counts from its send time. */
  messageId?: string;
  messageSentAt?: number;
  /** Since when its letter may have been sent. */
  sentSince?: number;
  /** How often a redrive has begun to send it. Absent without one, and if an earlier version has noted `sentSince`. */
  tries?: number;
  /** The request id of the newest of them. */
  triedId?: string;
  /** The newest correction, begun before it is sent: if it is seen again, it may have been stored. */
  correction?: Correction;
  resolvedAt?: number;
  resolution?: DeadResolution['kind'];
  /** The id of the request that succeeded. */
  requestId?: string | null;
  /** Who handled it, and the reason. */
  resolvedBy?: string;
  resolvedWhy?: string;
  /** The correction that succeeded. */
  resolvedCorrectionId?: string;
  /** The API's answer to it. Absent in an item of an earlier version. */
  resolvedSaid?: DeliveryAnswer;
}
