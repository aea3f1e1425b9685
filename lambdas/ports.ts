import type { Readable } from 'node:stream';
import type { BreakerReason } from './core/limiter/breaker.ts';
import type {
  BatchAccount,
  Correction,
  DeadAttempt,
  DeadRecord,
  DeadResolution,
  FileAccount,
  FileState,
  HashProgress,
  SourceObject,
  StoredContent,
} from './core/account/file-account.ts';
import type { Item, ItemChange, ItemKey, ItemWrite } from './core/ledger/item-change.ts';
import type { ListName } from './core/ledger/ledger-keys.ts';
import type { CutLimits, CutPosition, Dialect } from './core/records/dialect.ts';
import type { Accepted, LimiterChange, LimiterItem, OpeningCondition, Prober } from './core/limiter/limiter-item.ts';
import type { ManifestFigures } from './core/account/manifest.ts';
import type { OthersCount } from './core/limiter/pause-evidence.ts';
import type { OutcomeCounts } from './core/account/outcome.ts';
import type { Quarantine } from './core/account/quarantine.ts';
import type {
  BatchMessage,
  ContinueMessage,
  CorrectionMessage,
  FinalizeMessage,
  Letter,
  ReemitMessage,
  UnnotedLetter,
  WaitNote,
} from './messages.ts';

/** Time, injected so that tests own it. */
export interface Clock {
  /** Milliseconds since 1970, UTC. */
  now(): number;
  /** Resolves after that many milliseconds, or at once when the signal fires. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** What an object is at the moment it is first looked at. */
export interface ObjectHead {
  etag: string;
  sizeBytes: number;
  versionId?: string;
}

/** Reading the dropped files. */
export interface SourceObjects {
  /** Undefined if there is no such object (any more). */
  head(source: { bucket: string; key: string; versionId?: string }): Promise<ObjectHead | undefined>;
  /**
   * The bytes from `offset` to the end, in chunks of about 1 MiB and more, pinned to the version and ETag of `source`.
   * @throws SourceChangedError when the object is no longer the one that was pinned
   */
  read(source: SourceObject, offset: number, signal?: AbortSignal): AsyncIterable<Buffer>;
}

/** A version of an object as it is listed. */
export interface DroppedVersion {
  source: SourceObject & { versionId: string };
  /** Milliseconds since 1970, UTC. */
  modifiedAt: number;
}

/** The version that a page of a listing ended with. */
export interface VersionCursor {
  key: string;
  /** Empty if the listing goes on with another key. */
  versionId: string;
}

export interface VersionPage {
  versions: DroppedVersion[];
  /** Whose newest version is a delete marker. */
  deletedKeys: string[];
  /** Undefined at the end. */
  next?: VersionCursor;
}

/** The dropped files, as a list. */
export interface DroppedObjects {
  /** By key, the newest version of each first. */
  listVersions(keyPrefix: string, after?: VersionCursor): Promise<VersionPage>;
}

/** Where the splitter keeps what it makes one file of. */
export interface BundleStore {
  /** Stores it under a name of its own. @param name new each time */
  putBundle(name: string, bytes: Buffer): Promise<SourceObject>;
}

/** The records queue, written by the splitter and by a consumer that hands its rest back. */
export interface BatchQueue {
  /** Sends all; resends what SQS failed on. Resolves when every one is in the queue. */
  sendBatches(messages: BatchMessage[]): Promise<void>;
  /** Sends a successor of a batch that becomes visible after `delaySeconds` (0–900). */
  sendSuccessor(message: BatchMessage, delaySeconds: number): Promise<void>;
}

/** How much a queue holds, as SQS counts it: approximately. */
export interface QueueDepth {
  /** Messages that are visible, in flight and delayed. */
  messages(): Promise<number>;
}

/** The letters queue. */
export interface LetterQueue {
  sendLetters(letters: Letter[]): Promise<void>;
  /** Puts a letter back that could not be tried yet; it becomes visible after `delaySeconds` (0–900). */
  sendBack(letter: Letter | CorrectionMessage, delaySeconds: number): Promise<void>;
}

/** The intake queue, as the splitter's and reconciler's way to ask for more work on a file. */
export interface IntakeQueue {
  send(message: ContinueMessage | ReemitMessage, delaySeconds: number): Promise<void>;
}

/** The intake queue, for what S3 did not tell of. */
export interface Announcements {
  /** As S3's own event would have: of one version the same file. */
  announce(source: SourceObject): Promise<void>;
}

export interface FinalizeQueue {
  send(message: FinalizeMessage, delaySeconds: number): Promise<void>;
}

/** The message being handled, where its visibility has to be changed. */
export interface InFlightMessages {
  /** The message becomes visible to others in that many seconds (0 = at once) unless it is deleted before. */
  changeVisibility(receiptHandle: string, seconds: number): Promise<void>;
  /**
   * Sends the same body again, as a message of its own: with all its receives, and a retention that begins anew.
   * @param group of the message, where it has one
   */
  putBack(body: string, group: string | undefined, note: WaitNote): Promise<void>;
}

export type FileClaim =
  | { kind: 'claimed'; file: FileAccount }
  /** Another splitter holds the lease until then. */
  | { kind: 'busy'; leaseUntil: number }
  /** The queue holds enough of it until then; a continuation is on its way for that time. */
  | { kind: 'held-back'; until: number }
  /** No splitter's work is left on it. */
  | { kind: 'finished'; file: FileAccount };

export interface NewFile {
  fileId: string;
  feed: string;
  lane: string;
  source: SourceObject;
  limits: CutLimits;
  /** Secret and new: see FileAccount. */
  messageKey?: string;
}

/** A file of the splitter's own making: read already, by the time it has an account. */
export interface NewBundle extends NewFile {
  sha256: string;
  dialect: Dialect;
  bundle: { members: number };
}

/** What a splitter saves on the way; only with the epoch it claimed. */
export interface SplitProgress {
  sha256?: string;
  hashProgress?: HashProgress;
  content?: StoredContent;
  dialect?: Dialect;
  reading?: string;
  warnings?: { code: string; message: string }[];
  checkpoint?: CutPosition;
  sentBatches?: number;
  leaseUntil: number;
}

export interface FileClose {
  state: FileState;
  /** The newest manifest. */
  manifest: { key: string; number: number };
  figures: readonly ManifestFigures[];
  openLetters: number;
}

/** The account of files. Every write is conditional: `false` or nothing means that another splitter has the file now. */
export interface FileLedger {
  /** Creates the file where it is new, takes over an expired lease, else tells who has it. Raises the epoch. */
  claimFile(
    fileId: string,
    create: NewFile | undefined,
    owner: string,
    leaseMs: number,
  ): Promise<FileClaim | { kind: 'unknown' }>;
  /**
   * Opens a bundle's account, with each member's place in it, or nothing of the kind: then it tells which of the members
   * have an account of their own or another bundle's. At most `maxMembers` (core/records/bundle.ts) of them.
   */
  createBundle(
    bundle: NewBundle,
    members: readonly SourceObject[],
  ): Promise<{ kind: 'created' } | { kind: 'taken'; members: FileAccount[] }>;
  /** Returns the file after the write, with what the consumers have settled of it so far. */
  saveSplitProgress(fileId: string, epoch: number, progress: SplitProgress): Promise<FileAccount | undefined>;
  /** Gives the lease up without finishing: the continuation may claim at once, or from `heldBackUntil` on. */
  releaseFile(fileId: string, epoch: number, heldBackUntil?: number): Promise<boolean>;
  /**
   * Whether this is the first file of the feed with these bytes that is read in this way, or which one came before. Takes over from
   * one that needs no protection (core/reading.ts). Repeatable.
   * @param reading how the file is read: files that are read in other ways don't count
   */
  claimChecksum(
    feed: string,
    sha256: string,
    fileId: string,
    reading: string,
  ): Promise<{ kind: 'first' } | { kind: 'duplicate'; of: string }>;
  /** Every batch is in the queue. Returns the file after the write. */
  finishSplit(
    fileId: string,
    epoch: number,
    totals: { records: number; batches: number },
    warnings: { code: string; message: string }[],
  ): Promise<FileAccount | undefined>;
  /** Ends a file that sends nothing (more). */
  endFile(
    fileId: string,
    epoch: number,
    end:
      | { state: 'duplicate'; of: string }
      | { state: 'failed'; failure: { code: string; message: string } }
      | {
          state: 'superseded';
          failure: { code: string; message: string };
          totals: { records: number; batches: number };
        },
  ): Promise<FileAccount | undefined>;
  getFile(fileId: string): Promise<FileAccount | undefined>;
  /**
   * Closes the account and keeps the figures of its manifests, in one step; false, and no change, where a manifest of that
   * number or a newer one is there already.
   * @param close.figures of each manifest that was written since the file was closed last, the newest one last
   */
  closeFile(fileId: string, close: FileClose): Promise<boolean>;
  /** The figures of a file's manifest; undefined if none are kept: an earlier version closed the file, or TTL has come. */
  getManifestFigures(fileId: string, number: number): Promise<ManifestFigures | undefined>;
  /** Stops a file that is under way; false if it has ended, or was stopped or released before. */
  quarantineFile(fileId: string, quarantine: Quarantine): Promise<boolean>;
  /**
   * Opens a closed file in quarantine again, for what was held to be sent. Undefined if it is none, and where what is held
   * are the rows behind another header: they never are.
   */
  releaseQuarantine(fileId: string, by: string, why: string): Promise<FileAccount | undefined>;
  /** Marks the account as in need of another manifest, as of now. True if the caller is to ask the finalizer for it. */
  requestAmendment(fileId: string, repeatAfterMs: number): Promise<boolean>;
  /** Takes that mark away: what is resolved from now on asks again. */
  beginAmendment(fileId: string): Promise<void>;
  /** `open`: those that still have work; `closed`: the rest; `dead`: those of the closed that have dead letters open. */
  listFiles(feed: string, which: FileList, limit: number, order?: 'newest' | 'oldest'): Promise<FileAccount[]>;
  /** Those of one list, the oldest first, some at a time: memory does not grow with their number. */
  eachFile(feed: string, which: Exclude<FileList, 'closed'>): AsyncIterable<FileAccount>;
  /** Which of these files have an item, whatever has become of them. A file that was claimed in the last second may be missing. */
  knownFileIds(fileIds: readonly string[]): Promise<Set<string>>;
  /** Notes that work on the file was asked for again: it counts as touched. */
  touchFile(fileId: string): Promise<void>;
}

export type FileList = ListName;

/** What a batch has come to. */
export interface BatchSettlement {
  counts: OutcomeCounts;
  receiptsKey: string;
  receiptsSha256: string;
  buried?: boolean;
  /** The ends of what is not held, where something is: whoever sends that leaves them as they are. */
  progress?: Uint8Array;
  /** It was settled before, with something held: these counts are what the new ones stand for. */
  replaces?: OutcomeCounts;
}

export type BatchClaim =
  /** Settled before with records held, it has its counts. */
  | { kind: 'claimed'; batch: BatchAccount }
  | { kind: 'busy'; leaseUntil: number }
  | { kind: 'settled'; batch: BatchAccount }
  /** A later attempt has begun: this message is a leftover. */
  | { kind: 'stale' };

/** `failed`: by a defect, which counts as a kill does; see `unreleased` in BatchAccount. */
export type ClaimEnd = 'released' | 'failed';

/** The account of batches. `false` means that the lease is somebody else's now. */
export interface BatchLedger {
  claimBatch(
    place: { fileId: string; batch: number; attempt: number; records: number; firstRecord: number },
    owner: string,
    leaseMs: number,
  ): Promise<BatchClaim>;
  /** Saves progress and renews the lease; with `leaseMs` 0 it is given up. */
  saveProgress(fileId: string, batch: number, owner: string, progress: Uint8Array, leaseMs: number): Promise<boolean>;
  /** Gives the lease up without a word on progress; nothing happens where it is another's. */
  releaseBatch(fileId: string, batch: number, owner: string, end?: ClaimEnd): Promise<void>;
  getBatch(fileId: string, batch: number): Promise<BatchAccount | undefined>;
  /** Settles, and adds the batch to the file's hints, in one step. */
  settleBatch(fileId: string, batch: number, owner: string, settlement: BatchSettlement): Promise<boolean>;
  /** In the order of their numbers. */
  listBatches(fileId: string): AsyncIterable<BatchAccount>;
}

export type LetterAdoption =
  | { kind: 'adopted'; dead: DeadRecord }
  /** Another letter stands for this record. */
  | { kind: 'surplus' };

/** The account of dead records. */
export interface DeadLedger {
  /**
   * Notes letters before they are sent, some at a time, under ids that lead back to the note.
   * @param group new each time
   */
  noteLetters(fileId: string, group: string, letters: readonly UnnotedLetter[]): Promise<Letter[]>;
  /** Whether exactly this letter was noted before it was sent. */
  isNoted(letter: Letter): Promise<boolean>;
  /**
   * Makes this letter the record's letter, unless it has another, and notes the message that carries it. Gives what the
   * ledger knew before, or the new item. For letters that are known to be genuine: noted, or just made by the caller.
   * @param digests of the letters that may be tried for the record, where none are kept yet; by default this letter's; null
   * leaves the item without, as an earlier version wrote it
   */
  adoptLetter(
    letter: Letter,
    message: { id: string; sentAt: number },
    digests?: readonly string[] | null,
  ): Promise<LetterAdoption>;
  /** Lets a letter that was made again be tried, before it is sent. Nothing if the record has no item or another letter. */
  allowLetter(letter: Letter): Promise<void>;
  /** Notes in a dead record's history that its letter came back altered; nothing else changes. */
  noteAltered(fileId: string, record: number, altered: NonNullable<DeadAttempt['altered']>): Promise<void>;
  /** A redriven letter is about to be sent: from now on the API may have its record by us. */
  noteSending(fileId: string, record: number): Promise<void>;
  /** A redriven letter failed again. */
  addFailure(
    fileId: string,
    record: number,
    attempt: DeadAttempt,
    failedMessageSentAt: number | undefined,
  ): Promise<void>;
  /** False if it was resolved before, or never was dead. */
  resolveDead(fileId: string, record: number, resolution: DeadResolution): Promise<boolean>;
  /**
   * Notes a correction before it is sent. `repeated`: it was begun before, and may have been stored then. Undefined if the
   * record isn't dead (any more).
   */
  beginCorrection(
    fileId: string,
    record: number,
    correction: Correction,
  ): Promise<{ dead: DeadRecord; repeated: boolean } | undefined>;
  getDead(fileId: string, record: number): Promise<DeadRecord | undefined>;
  /** In the order of their numbers. */
  listDead(fileId: string): AsyncIterable<DeadRecord>;
}

/** What a feed's desk was last told. */
export interface DeskState {
  /** Of all that needs somebody: the same again is no news. */
  fingerprint: string;
  /** Records that needed somebody. */
  openRecords: number;
  /** The list of them in the archive; null if there were none. */
  csvKey: string | null;
  at: number;
}

/** Deadlines that a feed's desk was told would be missed, each with how many records that was about. */
export interface DeadlineNote {
  told: { deadlineAt: number; missingRecords: number }[];
  at: number;
}

/** A letter that came back altered, or that Sluice never sent. */
export interface AlteredLetter {
  /** Of what it says: seen again, it is the same one. */
  sha256: string;
  /** As it claims, whether or not there are such. */
  fileId: string;
  record: number;
  /** Of the message that carried it first. */
  messageId: string;
  sentAt: number;
}

/** Altered letters, from the consumers that met them to the desk. */
export interface AlteredLetterLedger {
  /** Keeps it until the desk has been notified, and long enough for that to happen once. */
  keepAltered(feed: string, altered: AlteredLetter): Promise<void>;
  /** Those that the desk was not notified of yet, `limit` at most. */
  listAltered(feed: string, limit: number): Promise<AlteredLetter[]>;
  /** The desk has been notified of them. */
  closeAltered(feed: string, altered: readonly AlteredLetter[]): Promise<void>;
}

/** How far the listing of a lane's dropped files has come. */
export interface SweepState {
  /** Milliseconds since 1970, UTC. */
  startedAt: number;
  /** Undefined: it came to its end. */
  next?: VersionCursor;
  /** The key that it goes on with has been deleted. */
  deletedKey?: string;
}

/** A reconciler's own notes. */
export interface DeskLedger {
  /** False while another run of this feed's reconciler is in progress. */
  claimReconciler(feed: string, owner: string, leaseMs: number): Promise<boolean>;
  releaseReconciler(feed: string, owner: string): Promise<void>;
  getDeskState(feed: string): Promise<DeskState | undefined>;
  saveDeskState(feed: string, state: DeskState): Promise<void>;
  getDeadlineNote(feed: string): Promise<DeadlineNote | undefined>;
  saveDeadlineNote(feed: string, note: DeadlineNote): Promise<void>;
  getSweep(feed: string, lane: string): Promise<SweepState | undefined>;
  saveSweep(feed: string, lane: string, state: SweepState): Promise<void>;
  /** Counts a message to the feed's desk. @param hour since 1970, UTC @returns how many of its kind it was in that hour, with this one */
  countNotice(feed: string, kind: string, hour: number): Promise<number>;
}

export type Ledger = FileLedger & BatchLedger & DeadLedger & AlteredLetterLedger & DeskLedger;

export type ItemUpdate =
  /** The item after the change. */
  | { kind: 'changed'; item: Item }
  /** A check failed: the item as it is, if there is one. */
  | { kind: 'refused'; item: Item | undefined };

/** The table that the ledger and the limiter are kept in. What is written is decided in core/ledger/ and core/limiter/. */
export interface ItemStore {
  /** Sees every change that was made before. */
  read(key: ItemKey): Promise<Item | undefined>;
  /** Those of the items that are there, in any order; they may be a moment old. @param keys at most `maxItemsAtOnce` */
  readAll(keys: readonly ItemKey[]): Promise<Item[]>;
  /** Makes the whole change in one step, or none of it where a check fails. */
  update(key: ItemKey, change: ItemChange): Promise<ItemUpdate>;
  /**
   * Makes all of the changes in one step, or none where a check of one fails: then it returns false.
   * @param writes at most `maxItemsAtOnce`, each of another item
   */
  updateAll(writes: readonly ItemWrite[]): Promise<boolean>;
  /** Replaces the item, or creates it. */
  put(key: ItemKey, item: Item): Promise<void>;
  /** A partition's items in the order of their sort keys, those that begin with `skPrefix`. Sees every change made before. */
  query(pk: string, skPrefix?: string): AsyncIterable<Item>;
  /**
   * Keys of the items with this `listPk`, in the order of their `listSk`; they may be a moment old.
   * @param about how many are wanted: as many are read with one call
   */
  list(listPk: string, order: 'newest' | 'oldest', about?: number): AsyncIterable<ItemKey>;
}

/** Send times and the breaker, shared by every consumer of an API (see core/limiter.ts and core/breaker.ts). */
export interface Limiter {
  /**
   * The next send times, as milliseconds since 1970; or how long to wait before asking again. `waitedMs`: for how long
   * the caller has been put off by now, which gets it in before those that came later. `prober`: who has only
   * records that have failed before makes a probe only where nobody has another.
   */
  leaseSlots(count: number, waitedMs: number, prober?: Prober): Promise<SlotLease>;
  /**
   * No one leases a slot before that time. Bounded: see core/limiter/retry.ts. `counts`: false if the record that it is
   * asked for is known to ask again and again (see `countOthers`).
   */
  pauseUntil(timeMs: number, counts?: boolean): Promise<void>;
  /**
   * How many requests have passed over all consumers, and how many pauses were asked for: only differences count. And when
   * the last pause ends or ended, in milliseconds since 1970.
   */
  countOthers(): Promise<OthersCount & { pausedUntilMs: number }>;
  /** Moves every slot that is not leased yet: a request arrived later than the margin allows. */
  shift(ms: number): Promise<void>;
  /**
   * No one sends for `breakerPauseMs`, then one probe. Undefined if it is open already: nothing changes. With a condition,
   * `others-pass` where another consumer's requests are taken: nothing changes either. `file`: whose record's answer was
   * the last straw.
   */
  openBreaker(
    reason: BreakerReason,
    condition?: OpeningCondition,
    file?: string,
  ): Promise<BreakerState | 'others-pass' | undefined>;
  /** Wants to know whether others' requests are taken; they say so in seconds, and `openBreaker` heeds it. */
  askOthers(): Promise<void>;
  /**
   * The probe's end: closes the breaker, or leaves it open for another pause. Undefined if the probe is another's by now.
   * `isSuspect`: it was made by a record that had failed before. `asksToWait`: the API names a time, so the probe counts
   * towards no flush.
   */
  endProbe(end: ProbeEnd, isSuspect?: boolean, asksToWait?: boolean): Promise<BreakerState | undefined>;
  /** A request succeeded: told to the others with the next lease, at no cost. `accepted`: the API took the record. */
  noteSuccess(accepted?: Accepted): void;
  /** A record was refused, with the status that this consumer is refused with for the most part. */
  noteRefusal(): void;
  /** Refusals over all consumers since anybody's record was accepted, as of the last lease; where none is made, this consumer's. */
  refusals(): SharedRefusals;
  /** A record failed as in an outage. True if that makes one, over all consumers: the breaker is to be opened. */
  countOutage(): Promise<boolean>;
  /** Takes back what was counted. */
  forgetOutage(): Promise<void>;
  /** True for one caller an opening, once it has seen as many failed probes: that one's batch is given up. */
  takeFlush(failedProbes: number): Promise<boolean>;
}
export type SlotLease =
  | { kind: 'leased'; firstSlotMs: number; spacingMs: number; count: number }
  /** The breaker is half open and this caller makes the one request that decides, now. */
  | { kind: 'probe' }
  /** `paused`: by `Retry-After` or the breaker; else only the others' leases are in the way. */
  | { kind: 'wait'; untilMs: number; paused: boolean };

export interface SharedRefusals {
  count: number;
  /** Nobody is known to have had a record accepted from then on. Milliseconds since 1970. */
  sinceMs: number;
}

/** What a probe was answered. True: `accepted`; false: `failed`. */
export type ProbeEnd = boolean | 'accepted' | 'refused' | 'failed';

/** The breaker after a change. */
export interface BreakerState {
  state: 'open' | 'closed';
  /** Why this opening began, whatever its probes were answered. */
  reason: BreakerReason;
  failedProbes: number;
  /** The last of them, made by records that had failed before; absent if there are none. */
  loneProbes?: number;
  /** When the next probe may be made; null if it is closed. */
  untilMs: number | null;
}

/** The one item that an API's limiter and breaker are kept in: core/limiter/limiter-item.ts has its changes. */
export interface LimiterStore {
  /** Sees every change that was made before. Empty if there is none yet. */
  read(): Promise<LimiterItem>;
  /** The whole change in one step and the item after it; undefined, and no change, where one of its checks fails. */
  update(change: LimiterChange): Promise<LimiterItem | undefined>;
}

/** What a sink said to one record. `answer`: the other side's text, without secrets, on one short line. */
export type SinkAnswer =
  | { kind: 'uploaded'; status: number }
  /** `isOurs`, where the sink knows it: an earlier try of the same record stored it, or another record did. */
  | { kind: 'duplicate'; status: number; isOurs?: boolean; answer?: string }
  /** An earlier request with the same id has not ended: whether the record is stored is to be asked again. */
  | { kind: 'in-progress'; status: number; answer?: string; retryAfterMs?: number }
  | { kind: 'refused'; status: number; answer: string }
  | { kind: 'throttled'; status: number; retryAfterMs: number | undefined; answer?: string }
  | { kind: 'unauthorised'; status: number; answer: string }
  /** Worth another try. `ambiguous`: the record may have been stored all the same. */
  | {
      kind: 'failed';
      status: number | null;
      reason: string;
      ambiguous: boolean;
      answer?: string;
      /** The other side asks to be left alone for that long. */
      retryAfterMs?: number;
      /** The connection had served before and was lost: it may have been closed long ago, as in a frozen environment. */
      isStale?: true;
    };

export interface SinkRequest {
  requestId: string;
  payload: Record<string, unknown>;
  origin: RecordOrigin;
}

/** What a record is, and where it comes from. */
export interface RecordOrigin {
  /** By the feed's fields: what makes it the same record. */
  identity: readonly string[];
  /** Of the record's bytes as they were sent in. */
  sha256: string;
  fileId: string;
  /** SHA-256 of the file's bytes. */
  fileSha256: string;
  source: { bucket: string; key: string; versionId?: string };
  record: number;
  offset: number;
}

/** Where records go. Never throws for what the other side does: every end is an answer. */
export interface Sink {
  deliver(request: SinkRequest, signal: AbortSignal): Promise<SinkAnswer>;
  /** Gives its connections up when the requests in flight have ended; the next request opens one again. */
  close?(): Promise<void>;
}

/** The API's Bearer token, from where secrets are kept. */
export interface TokenSource {
  /** Cached between calls. */
  token(): Promise<string>;
  /** Reads the secret anew. */
  refresh(): Promise<string>;
  /** Names the version of the secret that was read last, without telling anything of it; undefined if unknown. */
  version?(): string | undefined;
}

/** Receipts under way, and the archive. */
export interface ReceiptStore {
  /** Stores a batch attempt's receipts (gzip of NDJSON). */
  putReceipts(key: string, bytes: Buffer): Promise<void>;
  getReceipts(key: string): Promise<Buffer>;
}

/** Records that are too long for their dead letters, until their retention is over. */
export interface PayloadStore {
  /** Repeatable: the key names the content. */
  putPayload(key: string, bytes: Buffer): Promise<void>;
  /** Undefined if there is none (any more), or where it may not be read. The caller checks the hash. */
  getPayload(key: string): Promise<Buffer | undefined>;
}

export interface Archive {
  /** Copies the source next to the manifest; repeatable. Undefined if it is gone. */
  copySource(source: SourceObject, key: string): Promise<{ key: string } | undefined>;
  has(key: string): Promise<boolean>;
  /** Streams an object in; one that is there already is left as it is. */
  putStream(key: string, body: Readable, contentType: string): Promise<void>;
  /** `exists` where there is one already. */
  putOnce(key: string, body: string | Buffer, contentType: string): Promise<'stored' | 'exists'>;
  getText(key: string): Promise<string | undefined>;
  /** An object's bytes as they come; undefined if there is none. */
  getStream(key: string): Promise<Readable | undefined>;
}

/** A key that never leaves where it is kept, and what it says yes to. */
export interface Signer {
  /** Cached between calls. @throws if it is no key on P-256 */
  publicKey(): Promise<SigningKey>;
  /** ECDSA over the message's SHA-256, as DER. */
  sign(message: Buffer): Promise<Buffer>;
}

export interface SigningKey {
  arn: string;
  /** SubjectPublicKeyInfo as PEM, and the SHA-256 of its DER in lower-case hex. */
  pem: string;
  sha256: string;
}

/** The people who look after a feed. */
export interface Desk {
  /** A short message in plain text. @param subject ASCII, up to 100 characters */
  tell(subject: string, text: string): Promise<void>;
}

/** A message as it lies in a queue. */
export interface QueuedMessage {
  messageId: string;
  body: string;
  sentAt: number;
  receives: number;
}

/** A DLQ, looked into without being changed. */
export interface DeadQueue extends QueueDepth {
  /** Whether SQS is moving its messages at this moment. */
  isBeingRedriven(): Promise<boolean>;
  /**
   * Shows each of its messages, some at once; each is out of sight for a moment. None is kept: a letter has 100 KB, and
   * there may be 100,000 of them. What `look` throws ends it.
   */
  read(look: (message: QueuedMessage) => Promise<void>): Promise<void>;
}

/** What others may want to know of: a file completed, an account amended. */
export interface EventPublisher {
  publish(type: string, detail: Record<string, unknown>): Promise<void>;
}

export type MetricName =
  | 'ProcessedRecords'
  | 'FailedRecords'
  | 'RejectedRecords'
  | 'DeadLetteredRecords'
  | 'BatchDuration'
  | 'RejectShare'
  | 'QuarantinedFiles'
  | 'BreakerOpen'
  | 'UnauthorisedAnswers'
  | 'ClockSkew'
  | 'StalledFiles'
  | 'OpenDeadLetters'
  | 'OldestDeadLetterAge'
  | 'DeadlineMarginSeconds'
  /** Dropped files that no event of S3's told of, at each run of the reconciler that looks. */
  | 'UnannouncedFiles'
  /** Of each request, from handing it over to its answer's last byte; also where it failed. Milliseconds. */
  | 'ApiLatency'
  /** Of the time that a batch's connections spent on sending: waiting for a send time, as against a request. Percent. */
  | 'SlotWaitShare'
  /** Of one consumer, as each request begins: those that are in flight, this one too. */
  | 'ConnectionsInUse'
  | 'MessagesPutBack'
  | 'MemoryUse';

/** A feed's figures, for alarms and graphs. */
export interface Metrics {
  /**
   * Counts add up; durations are milliseconds each, ages seconds. What is measured with each request (`ApiLatency`,
   * `ConnectionsInUse`) is published as a distribution of 100 values at most.
   */
  add(name: MetricName, value: number): void;
  /** Hands over what was added since. */
  flush(): void;
}

/** The structured log. No payload at info level. */
export interface AuditLog {
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
  debug(message: string, fields?: Record<string, unknown>): void;
}
