import type { CutLimits, CutPosition, Dialect } from '../records/dialect.ts';
import type { OutcomeCounts } from './outcome.ts';
import { sumCounts } from './outcome.ts';
import type { Utf16Encoding } from '../records/decode-utf16.ts';
import type { Quarantine } from './quarantine.ts';

/**
 * Where a file stands.
 *
 * - `splitting`: claimed; being hashed or cut
 * - `split`: every batch is in the records queue
 * - `completed`: every batch is settled and the manifest is in the archive
 * - `duplicate`: a file of the feed with the same bytes came before; nothing was sent
 * - `failed`: it can't be read as the feed's kind of file; nothing was sent
 * - `superseded`: replaced under the same key while it was read; what was not sent is held
 * - `quarantined`: too many rejects, or rows of another export; what was not sent is held
 *
 * `bundled` is a small file that stands in another's account, with others of its kind.
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

/** The object that was dropped, pinned to what was seen first. */
export interface SourceObject {
  bucket: string;
  key: string;
  /** Absent where the bucket isn't versioned. */
  versionId?: string;
  /** S3's ordering of events of one key; tells uploads apart where there are no versions. */
  sequencer?: string;
  etag: string;
  sizeBytes: number;
}

/** SHA-256 under way, saved between invocations. */
export interface HashProgress {
  offset: number;
  /** The hash's internal state, base64. */
  state: string;
}

export const compressions = ['gzip', 'zip', 'zstd'] as const;
export type Compression = (typeof compressions)[number];

/** How an object that isn't the plain bytes of its records holds them: compressed, in UTF-16, or both. */
export interface StoredContent {
  compression?: Compression;
  /** Where in the object the compressed bytes lie; absent where they are all of it. */
  place?: { offset: number; bytes: number };
  /** The one file in a ZIP archive. */
  member?: { name: string; method: 'stored' | 'deflated' };
  /** What the text is encoded in. The content is its UTF-8, and positions are in that. */
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
  /** Secret, 32 bytes in hex: proves that a message about the file is Sluice's own. Absent where an earlier version claimed it. */
  messageKey?: string;
  createdAt: number;
  updatedAt: number;
  /** Raised with each claim: a splitter with an older one has lost the file. */
  epoch: number;
  leaseOwner?: string;
  leaseUntil?: number;
  sha256?: string;
  hashProgress?: HashProgress;
  /** Absent where the object's bytes are the records'. Offsets (of checkpoints, batches, records) are in the content. */
  content?: StoredContent;
  dialect?: Dialect;
  /** Fingerprint of how it is read: dialect, limits, the feed's rules (see core/reading.ts). */
  reading?: string;
  warnings?: { code: string; message: string }[];
  limits: CutLimits;
  checkpoint?: CutPosition;
  /** The file has as much in the queue as the API can take for a while: cutting goes on at about that time. */
  heldBackUntil?: number;
  totalRecords?: number;
  totalBatches?: number;
  splitAt?: number;
  completedAt?: number;
  duplicateOf?: string;
  failure?: { code: string; message: string };
  /** It is taken for a wrong file: what is not sent yet is held. Stays when it is released. */
  quarantine?: Quarantine;
  /** Somebody has decided to send it all the same. */
  release?: { at: number; by: string; why: string };
  /** Batches that the splitter had sent when it saw that the file was stopped; absent where it has sent all. */
  sentBatches?: number;
  /** It is a bundle of so many small files, written by the splitter. */
  bundle?: { members: number };
  /** `bundled`: the bundle that has it. */
  bundleId?: string;
  /** Hints for progress and triggers; the batches' own items are the truth. */
  settledBatches: number;
  /** When the last batch was settled. */
  lastSettledAt?: number;
  settled: OutcomeCounts;
  /** The newest manifest, and which one it is (the first is 1). */
  manifest?: { key: string; number: number };
  /** When another manifest was asked for, and is still owed. */
  amendmentRequestedAt?: number;
  /** When a dead letter of it was last resolved: the next manifest waits until there is an end to that. */
  lastResolvedAt?: number;
}

/** What people know it by: of small files that went as one, how many they are. */
export function nameOfFile(key: string, bundledFiles: number | null | undefined): string {
  if (bundledFiles == null) return key;
  return bundledFiles === 1 ? '1 small file' : `${bundledFiles} small files`;
}

/** Bytes of the file's records, however the object holds them. */
export function contentBytesOf(file: Pick<FileAccount, 'source' | 'content'>): number {
  return file.content?.bytes ?? file.source.sizeBytes;
}

/** Every batch that was sent is settled, by the hints: reason enough to have the finalizer count. */
export function isWhollySettled(file: FileAccount): boolean {
  if (file.state === 'splitting') return false;
  const sendable = sendableBatches(file) ?? 0;
  // What is held of a released file is still to be sent.
  if (file.release) return file.settledBatches >= sendable && file.settled.held === 0;
  return file.settledBatches >= (file.sentBatches ?? sendable);
}

/** What may ever be sent: the batches before another header, or all; undefined while it is not known. */
export function sendableBatches({
  checkpoint,
  totalBatches,
}: Pick<FileAccount, 'checkpoint' | 'totalBatches'>): number | undefined {
  return checkpoint?.otherHeader?.batch ?? totalBatches;
}

/** Whether a manifest is owed: the first one, or one of a file that was released. */
export function isManifestOwed(file: FileAccount): boolean {
  return file.manifest === undefined || (file.state === 'split' && file.release !== undefined);
}

/** Records that are in the queue or with a consumer: sent by the last checkpoint, and not settled by the hints. */
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
   * Claims in a row that were never released: their consumers were killed, or ended by a defect. Absent where the last
   * one was released.
   */
  unreleased?: number;
  counts?: OutcomeCounts;
  receiptsKey?: string;
  receiptsSha256?: string;
  settledAt?: number;
  /** It killed its consumer at every receive, and was accounted for by the reconciler. */
  buried?: boolean;
  /** Saved progress of an unfinished attempt (see core/progress.ts). */
  progress?: Uint8Array;
}

/** One request's story, for the history of a dead record. */
export interface DeadAttempt {
  at: number;
  outcome: 'rejected' | 'refused' | 'exhausted';
  reason: string;
  error: string;
  status: number | null;
  /** It was a corrected row that failed, and not the record as it stood in the file. */
  correctionId?: string;
  /** No attempt at all, but a letter that came back altered: its SHA-256, and when its message was sent. */
  altered?: { sha256: string; sentAt: number };
}

/** A row that the desk put in a record's place. */
export interface Correction {
  id: string;
  /** Who sent it. */
  by: string;
  at: number;
  /** By the source's column names. */
  row: Record<string, unknown>;
  /** Columns whose values differ from the record's. */
  changed: string[];
}

/** What the API answered to the request that got through, as receipts have it: `answer` without secrets. */
export interface ApiSaid {
  status: number;
  confirmedBy?: '409';
  answer?: string;
}

/** How a dead record came to rest. `handled`: by hand, outside of the API. */
export type DeadResolution =
  | { kind: 'uploaded' | 'duplicate'; requestId: string | null; correctionId?: string; said?: ApiSaid }
  | { kind: 'handled'; by: string; why: string };

/** The ledger's item of a record that has (had) a letter. */
export interface DeadRecord {
  fileId: string;
  record: number;
  letterId: string;
  /**
   * SHA-256 of each letter that was made for the record under that id: no other is tried. Empty where the first letter
   * could not be checked; absent in an item of an earlier version.
   */
  letterDigests?: string[];
  /** Of the record's bytes as they stood in the file. Absent in an item of an earlier version. */
  sha256?: string;
  state: 'dead' | 'resolved';
  outcome: 'rejected' | 'refused' | 'exhausted';
  /** Send time of the message that failed last: a message sent later is a redrive and is tried. SQS's clock only. */
  failedMessageSentAt: number;
  history: DeadAttempt[];
  createdAt: number;
  /** The letter's message in SQS as it was seen last: retention counts from its send time. */
  messageId?: string;
  messageSentAt?: number;
  /** Since when its letter may have been sent. */
  sentSince?: number;
  /** The newest one, begun before it is sent: seen again, it may have been stored. */
  correction?: Correction;
  resolvedAt?: number;
  resolution?: DeadResolution['kind'];
  /** Of the request that got through. */
  requestId?: string | null;
  /** Who handled it, and why so. */
  resolvedBy?: string;
  resolvedWhy?: string;
  /** The correction that got through. */
  resolvedCorrectionId?: string;
  /** What the API answered then. Absent in an item of an earlier version. */
  resolvedSaid?: ApiSaid;
}
