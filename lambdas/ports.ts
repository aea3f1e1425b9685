import type { Readable } from 'node:stream';
import type { BreakerAnswer } from './core/limiter/breaker-answer.ts';
import type { BreakerReason, TokenFault } from './core/limiter/breaker.ts';
import type {
  BatchAccount,
  ClosingProgress,
  Correction,
  DeadAttempt,
  DeadRecord,
  DeadResolution,
  FileAccount,
  FileState,
  NightMark,
  SourceObject,
} from './core/account/file-account.ts';
import type { ControlOccasion } from './core/control/file-control.ts';
import type { LateControl } from './core/control/late-control.ts';
import type { ControlledFile, SeenControl, SeenControls } from './core/control/spoken-of.ts';
import type { PlacedIn } from './core/ledger/bundle-changes.ts';
import type { Item, ItemChange, ItemKey, ItemWrite } from './core/ledger/item-change.ts';
import type { ListName } from './core/ledger/ledger-keys.ts';
import type { NightHead } from './core/nights/night-head.ts';
import type { CutLimits, Dialect } from './core/records/dialect.ts';
import type {
  Accepted,
  LimiterChange,
  LimiterItem,
  OpenedBy,
  OpeningCondition,
  Prober,
} from './core/limiter/limiter-item.ts';
import type { ManifestFigures } from './core/account/manifest.ts';
import type { ReceiptsFacts } from './core/account/receipts-facts.ts';
import type { Decision, InForce } from './core/limiter/limit-policy.ts';
import type { PolicyChange } from './core/limiter/policy-changes.ts';
import type { FileNotice } from './core/notices/file-notice.ts';
import type { FormerLanes, ListedObject, StrayPlace } from './core/strays/stray-places.ts';
import type { ExpectedNote } from './core/nights/expected-note.ts';
import type { MailState } from './core/notices/gather.ts';
import type { OthersCount } from './core/limiter/pause-evidence.ts';
import type { OutcomeCounts } from './core/account/outcome.ts';
import type { Quarantine, ReleasedRecords, Stops } from './core/account/stops.ts';
import type { CancelObstacle } from './core/account/quarantine.ts';
import type { WithoutObstacle } from './core/series/go-without.ts';
import type { TakenSeries } from './core/ledger/series-changes.ts';
import type { KnownRevision } from './core/series/earlier-revisions.ts';
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

/** Time, injected so that tests control it. */
export interface Clock {
  /** Milliseconds since 1970, UTC. */
  now(): number;
  /** Resolves after that many milliseconds, or at once when the signal fires. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** An object's properties when it is first read. */
export interface ObjectHead {
  etag: string;
  sizeBytes: number;
  versionId?: string;
  /** When it was stored, to the second. Milliseconds since 1970, UTC. */
  modifiedAt?: number;
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

/** A version of an object in a listing. */
export interface DroppedVersion {
  source: SourceObject & { versionId: string };
  /** Milliseconds since 1970, UTC. */
  modifiedAt: number;
}

/** The last version of a listing's page. */
export interface VersionCursor {
  key: string;
  /** Empty if the listing continues with another key. */
  versionId: string;
}

export interface VersionPage {
  versions: DroppedVersion[];
  /** Keys whose newest version is a delete marker. */
  deletedKeys: string[];
  /** Undefined on the last page. */
  next?: VersionCursor;
}

/** The dropped files, as a list. */
export interface DroppedObjects {
  /** By key, the newest version of each first. */
  listVersions(keyPrefix: string, after?: VersionCursor): Promise<VersionPage>;
}

export interface IntakePage {
  objects: ListedObject[];
  /** With a delimiter: the prefixes below the listed one that have objects. */
  prefixes: string[];
  /** Undefined on the last page. */
  next?: string;
}

/** The intake bucket's objects, wherever they lie. */
export interface IntakeListing {
  /** A page of up to 1,000. Without a delimiter, with everything below the prefix. */
  list(prefix: string, page?: { delimiter?: '/'; next?: string | undefined }): Promise<IntakePage>;
}

/** Stores the bundles that the splitter makes of small files. */
export interface BundleStore {
  /** Where it will be. @param name new each time */
  placeOf(name: string): Pick<SourceObject, 'bucket' | 'key'>;
  putBundle(name: string, bytes: Buffer): Promise<SourceObject>;
}

/** The records queue, written by the splitter and by a consumer that hands its rest back. */
export interface BatchQueue {
  /** Sends all messages, and resends those that SQS failed on. Resolves when every one is in the queue. */
  sendBatches(messages: BatchMessage[], delaySecondsOf?: (message: BatchMessage) => number): Promise<void>;
  /** Sends a successor of a batch that becomes visible after `delaySeconds` (0–900). */
  sendSuccessor(message: BatchMessage, delaySeconds: number): Promise<void>;
}

/** The approximate number of messages in a queue, as SQS counts them. */
export interface QueueDepth {
  /** Messages that are visible, in flight and delayed. */
  messages(): Promise<number>;
}

/** The letters queue. */
export interface LetterQueue {
  sendLetters(letters: Letter[]): Promise<void>;
  /** Puts back a letter that could not be tried yet; it becomes visible after `delaySeconds` (0–900). */
  sendBack(letter: Letter | CorrectionMessage, delaySeconds: number): Promise<void>;
}

/** The intake queue, for the splitter's and reconciler's requests for more work on a file. */
export interface IntakeQueue {
  send(message: ContinueMessage | ReemitMessage, delaySeconds: number): Promise<void>;
}

/** The intake queue, for files that S3 did not announce. */
export interface Announcements {
  /** Sends what S3's own event would have: the same version is the same file. */
  announce(source: SourceObject): Promise<void>;
}

/** The finalizer's queue, for the desk's mails. */
export interface NoticeQueue {
  /** Has the finalizer notify the feed's desk of the files that ended, after that time (0–900 seconds). */
  askForMail(feed: string, delaySeconds: number): Promise<void>;
}

/** The finalizer's queue, for the night log. */
export interface NightQueue {
  /** Has the finalizer write the entries that are due, the oldest first. */
  askForNight(feed: string): Promise<void>;
}

export interface FinalizeQueue {
  send(message: FinalizeMessage, delaySeconds: number): Promise<void>;
}

/** The message being handled, to change its visibility. */
export interface InFlightMessages {
  /** The message becomes visible to others in that many seconds (0 = at once) unless it is deleted before. */
  changeVisibility(receiptHandle: string, seconds: number): Promise<void>;
  /**
   * Sends the same body again as a new message, with a receive count of zero and a new retention.
   * @param group the message's group, if it has one
   */
  putBack(body: string, group: string | undefined, note: WaitNote): Promise<void>;
}

export type FileClaim =
  | { kind: 'claimed'; file: FileAccount }
  /** Another splitter holds the lease until then. */
  | { kind: 'busy'; leaseUntil: number }
  /** The queue holds enough of it until then; a continuation is scheduled for that time. */
  | { kind: 'held-back'; until: number }
  /** The splitter's work on it is finished. */
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

/** A file that the splitter itself makes: it is read before it has an account. */
export interface NewBundle extends NewFile {
  sha256: string;
  dialect: Dialect;
  bundle: { members: number };
}

/** Where a small file is accounted for. */
export type SmallFilePlace =
  /** In the bundle that it was to be in. */
  | { kind: 'taken' }
  /** In the account of that file: another bundle, which is open, or its own. */
  | { kind: 'elsewhere'; fileId: string }
  /** In a bundle that another splitter is about to open, or has left: after that time it is given up. */
  | { kind: 'pending'; untilMs: number };

/**
 * Which bundle has a small file. Places are taken first and one by one, then the bundle is opened: the item of its account
 * decides, at once for all members, whether they are in it (decision 0057).
 */
export interface BundleLedger {
  /**
   * Gives each file its place in a bundle that is not open yet, unless it is in another account. A bundle that was not
   * opened in time is given up first. Repeatable. Returns the places in the files' order.
   */
  takePlaces(bundle: PlacedIn, members: readonly SourceObject[]): Promise<SmallFilePlace[]>;
  /** Opens the bundle's account. False if another splitter has given the bundle up: nothing of it may be sent. Repeatable. */
  openBundle(bundle: NewBundle): Promise<boolean>;
}

/** A splitter's progress; it can be saved only with the epoch that the splitter claimed. */
export type SplitProgress = Pick<
  FileAccount,
  | 'sha256'
  | 'hashProgress'
  | 'content'
  | 'dialect'
  | 'reading'
  | 'control'
  | 'series'
  | 'idsHaveFileId'
  | 'guard'
  | 'guardAgainst'
  | 'waitsFor'
  | 'revision'
  | 'quarantine'
  | 'warnings'
  | 'checkpoint'
  | 'sentBatches'
> &
  /** Only before its first batch. */
  Partial<Pick<FileAccount, 'limits'>> & { leaseUntil: number };

export interface FileClose {
  state: FileState;
  /** The newest manifest. */
  manifest: { key: string; number: number };
  figures: readonly ManifestFigures[];
  openLetters: number;
  /** The stops that the newest manifest is about; absent if there are none. */
  stops?: Stops;
  /** What the newest manifest's receipts say, for its amendments. */
  counted?: ReceiptsFacts;
}

export type FileCancel =
  | { kind: 'cancelled'; file: FileAccount }
  | { kind: 'refused'; obstacle: CancelObstacle; file: FileAccount }
  | { kind: 'unknown' };

/** The account of files. Every write is conditional: `false` or undefined means that another splitter has the file now. */
export interface FileLedger {
  /**
   * Creates a new file or takes over an expired lease, and raises the epoch; otherwise returns why the file can't be
   * claimed.
   */
  claimFile(
    fileId: string,
    create: NewFile | undefined,
    owner: string,
    leaseMs: number,
  ): Promise<FileClaim | { kind: 'unknown' }>;
  /** Returns the file after the write, including what the consumers have settled so far. */
  saveSplitProgress(fileId: string, epoch: number, progress: SplitProgress): Promise<FileAccount | undefined>;
  /** Releases the lease without finishing: the continuation may claim it at once, or from `heldBackUntil` on. */
  releaseFile(fileId: string, epoch: number, heldBackUntil?: number): Promise<boolean>;
  /**
   * Whether this is the feed's first file with these bytes that is read in this way, or which one came before. Takes over
   * from a file that needs no protection (core/account/reading.ts). Repeatable.
   * @param reading how the file is read: files read in other ways don't count
   */
  claimChecksum(
    feed: string,
    sha256: string,
    fileId: string,
    reading: string,
  ): Promise<{ kind: 'first' } | { kind: 'duplicate'; of: string }>;
  /** Notes that every batch is in the queue. Returns the file after the write. */
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
   * Closes the account and stores the figures of its manifests, in one step. Returns false and changes nothing if a
   * manifest with that number or a newer one exists already, or if the file was stopped or released since.
   * @param close.figures of each manifest written since the file was last closed, the newest one last
   */
  closeFile(fileId: string, close: FileClose): Promise<boolean>;
  /**
   * The figures of a file's manifest; undefined if none are stored: an earlier version closed the file, or its TTL has
   * passed.
   */
  getManifestFigures(fileId: string, number: number): Promise<ManifestFigures | undefined>;
  /**
   * What the receipts of that manifest say, and the SHA-256 of its bytes. Undefined if that is not stored: an earlier
   * version closed the file, or its TTL has passed.
   */
  getCounted(fileId: string, number: number): Promise<{ facts: ReceiptsFacts; manifestSha256: string } | undefined>;
  /** Takes the lease on a file that is to be closed; undefined if another finalizer has it. Returns the file after it. */
  takeClosing(fileId: string, owner: string, leaseMs: number): Promise<FileAccount | undefined>;
  /**
   * Saves progress and renews the lease; with `leaseMs` 0 it is released. Without progress, what is stored stays. False if
   * another finalizer has taken the lease.
   */
  saveClosing(fileId: string, owner: string, progress: ClosingProgress | undefined, leaseMs: number): Promise<boolean>;
  /** Stops a file in progress; false if it has ended, is stopped, or was released after such a stop. */
  quarantineFile(fileId: string, quarantine: Quarantine): Promise<boolean>;
  /** Stops a file in progress because a person wants it. */
  cancelFile(fileId: string, who: { by: string; why: string }): Promise<FileCancel>;
  /**
   * Reopens a closed file that is stopped, to send what was held. Undefined if it is not stopped or not closed yet, or if
   * the held records are the rows after another header, which are never sent.
   */
  releaseQuarantine(fileId: string, by: string, why: string, sends?: ReleasedRecords): Promise<FileAccount | undefined>;
  /**
   * Notes that every record has ended, so that there is nothing to stop any more. False if the file was stopped or released
   * since. Repeatable.
   */
  beginClosing(fileId: string, stops: Stops): Promise<boolean>;
  /** Marks the account as needing another manifest, as of now. True if the caller must ask the finalizer for it. */
  requestAmendment(fileId: string, repeatAfterMs: number): Promise<boolean>;
  /** Removes that mark: letters resolved from now on request another manifest. */
  beginAmendment(fileId: string): Promise<void>;
  /** `open`: files that still need work; `closed`: the rest; `dead`: closed files with open dead letters. */
  listFiles(feed: string, which: FileList, limit: number, order?: 'newest' | 'oldest'): Promise<FileAccount[]>;
  /**
   * The files of one list, the oldest first unless otherwise asked, read in pages: memory does not grow with their number.
   * @param wish.before only files that arrived before this one
   */
  eachFile(
    feed: string,
    which: FileList,
    wish?: { order?: 'newest' | 'oldest'; before?: Pick<FileAccount, 'createdAt' | 'fileId'> | undefined },
  ): AsyncIterable<FileAccount>;
  /** The id of each file of the feed, but not of small files in bundles. In no particular order; an id may come twice. */
  eachFileId(feed: string): AsyncIterable<string>;
  /** Which of these files have an item, whatever their state. A file that was claimed in the last second may be missing. */
  knownFileIds(fileIds: readonly string[]): Promise<Set<string>>;
  /** Notes that work on the file was requested again: it counts as touched. */
  touchFile(fileId: string): Promise<void>;
}

export type FileList = ListName;

/** A batch's outcome. */
export interface BatchSettlement {
  counts: OutcomeCounts;
  receiptsKey: string;
  receiptsSha256: string;
  buried?: boolean;
  /** The outcomes of the other records, if some are held: the consumer that sends the held ones keeps them. */
  progress?: Uint8Array;
  /** Set if it was settled before with records held: the earlier counts, which the new ones replace. */
  replaces?: OutcomeCounts;
  /** Of the first batch: since when the file's records are sent. Noted once. */
  sendingSince?: number;
}

export type BatchClaim =
  /** It has counts if it was settled before with records held. */
  | { kind: 'claimed'; batch: BatchAccount }
  | { kind: 'busy'; leaseUntil: number }
  | { kind: 'settled'; batch: BatchAccount }
  /** A later attempt has begun: this message is obsolete. */
  | { kind: 'stale' };

/** `failed`: by a defect, which counts like a kill; see `unreleased` in BatchAccount. */
export type ClaimEnd = 'released' | 'failed';

/** The account of batches. `false` means that another consumer has the lease now. */
export interface BatchLedger {
  claimBatch(
    place: { fileId: string; batch: number; attempt: number; records: number; firstRecord: number },
    owner: string,
    leaseMs: number,
  ): Promise<BatchClaim>;
  /** Saves progress and renews the lease; with `leaseMs` 0 it is released. */
  saveProgress(fileId: string, batch: number, owner: string, progress: Uint8Array, leaseMs: number): Promise<boolean>;
  /** Releases the lease without saving progress; does nothing if another consumer has it. */
  releaseBatch(fileId: string, batch: number, owner: string, end?: ClaimEnd): Promise<void>;
  getBatch(fileId: string, batch: number): Promise<BatchAccount | undefined>;
  /** Settles, and adds the batch to the file's hints, in one step. */
  settleBatch(fileId: string, batch: number, owner: string, settlement: BatchSettlement): Promise<boolean>;
  /** Ordered by number. @param after only those with a higher number */
  listBatches(fileId: string, after?: number): AsyncIterable<BatchAccount>;
}

export type LetterAdoption =
  | { kind: 'adopted'; dead: DeadRecord }
  /** The record has another letter. */
  | { kind: 'surplus' };

/** The account of dead records. */
export interface DeadLedger {
  /**
   * Notes letters before they are sent, several at a time, with ids that refer to the note.
   * @param group new each time
   */
  noteLetters(fileId: string, group: string, letters: readonly UnnotedLetter[]): Promise<Letter[]>;
  /** Whether exactly this letter was noted before it was sent. */
  isNoted(letter: Letter): Promise<boolean>;
  /**
   * Makes this letter the record's letter, unless it has another, and notes the message that carries it. Returns the
   * previous item, or the new one. Only for genuine letters: noted, or just made by the caller.
   * @param digests of the letters that may be tried for the record, if none are stored yet; by default this letter's; null
   * stores none, as an earlier version did
   */
  adoptLetter(
    letter: Letter,
    message: { id: string; sentAt: number },
    digests?: readonly string[] | null,
  ): Promise<LetterAdoption>;
  /**
   * Allows a recreated letter to be tried; called before it is sent. Does nothing if the record has no item or another
   * letter.
   */
  allowLetter(letter: Letter): Promise<void>;
  /** Notes in a dead record's history that its letter came back altered; nothing else changes. */
  noteAltered(fileId: string, record: number, altered: NonNullable<DeadAttempt['altered']>): Promise<void>;
  /**
   * Notes that a redriven letter is about to be sent: from now on the API may have its record from us. Returns how often
   * that was noted; undefined if the record is not dead any more: nothing must be sent.
   */
  noteSending(fileId: string, record: number, requestId: string): Promise<number | undefined>;
  /** Notes that it only waited after all: the API has nothing of this try. @param tries as `noteSending` has returned */
  takeBackSending(fileId: string, record: number, tries: number): Promise<void>;
  /**
   * Notes of the newest correction that it is about to be sent, or only waited after all. Returns false if the record is not
   * dead any more, or another correction has taken its place: nothing must be sent.
   */
  noteCorrection(fileId: string, record: number, correction: Correction): Promise<boolean>;
  /** Notes that a redriven letter failed again. */
  addFailure(
    fileId: string,
    record: number,
    attempt: DeadAttempt,
    failedMessageSentAt: number | undefined,
  ): Promise<void>;
  /** Returns false if it was resolved before, or was never dead. */
  resolveDead(fileId: string, record: number, resolution: DeadResolution): Promise<boolean>;
  /**
   * Notes a correction before it waits for its turn. `repeated`: it was begun before, and the API may have stored it. Undefined if the
   * record isn't dead (any more).
   */
  beginCorrection(
    fileId: string,
    record: number,
    correction: Correction,
  ): Promise<{ dead: DeadRecord; repeated: boolean } | undefined>;
  getDead(fileId: string, record: number): Promise<DeadRecord | undefined>;
  /** Ordered by number. */
  listDead(fileId: string): AsyncIterable<DeadRecord>;
}

/** What a feed's desk was last notified of. */
export interface DeskState {
  /** Of everything that needs attention: the same fingerprint again is not news. */
  fingerprint: string;
  /** Records that needed attention. */
  openRecords: number;
  /** The list's key in the archive; null if there were none. */
  csvKey: string | null;
  at: number;
}

/** Deadlines that will be missed according to notifications to a feed's desk, each with the number of late records. */
export interface DeadlineNote {
  told: { deadlineAt: number; missingRecords: number }[];
  at: number;
}

/** A letter that came back altered, or that Sluice never sent. */
export interface AlteredLetter {
  /** Of its content: the same hash again is the same letter. */
  sha256: string;
  /** As the letter claims, whether or not the file and record exist. */
  fileId: string;
  record: number;
  /** Id of the message that first carried it. */
  messageId: string;
  sentAt: number;
}

/** Altered letters, stored by the consumers that received them for the desk. */
export interface AlteredLetterLedger {
  /** Keeps it until the desk has been notified, and long enough that the desk is notified only once. */
  keepAltered(feed: string, altered: AlteredLetter): Promise<void>;
  /** The letters that the desk was not notified of yet, at most `limit`. */
  listAltered(feed: string, limit: number): Promise<AlteredLetter[]>;
  /** Notes that the desk has been notified of them. */
  closeAltered(feed: string, altered: readonly AlteredLetter[]): Promise<void>;
}

/** Progress of the listing of a lane's dropped files. */
export interface SweepState {
  /** Milliseconds since 1970, UTC. */
  startedAt: number;
  /** Undefined: the listing is complete. */
  next?: VersionCursor;
  /** Set if the key that the listing continues with has been deleted. */
  deletedKey?: string;
}

/** Objects that no lane takes, and the prefixes of all lanes. */
export interface StrayNote {
  places: StrayPlace[];
  lanePrefixes: string[];
  /** Prefixes of lanes that were switched off, and until when their objects were taken. */
  former?: FormerLanes;
  at: number;
}

/** The reconciler's own state. */
export interface DeskLedger extends ExpectedLedger {
  /** False while another run of this feed's reconciler is in progress. */
  claimReconciler(feed: string, owner: string, leaseMs: number): Promise<boolean>;
  releaseReconciler(feed: string, owner: string): Promise<void>;
  getDeskState(feed: string): Promise<DeskState | undefined>;
  saveDeskState(feed: string, state: DeskState): Promise<void>;
  getDeadlineNote(feed: string): Promise<DeadlineNote | undefined>;
  saveDeadlineNote(feed: string, note: DeadlineNote): Promise<void>;
  /** What lies where no lane takes it, as it was reported last. */
  getStrays(feed: string): Promise<StrayNote | undefined>;
  saveStrays(feed: string, note: StrayNote): Promise<void>;
  getSweep(feed: string, lane: string): Promise<SweepState | undefined>;
  saveSweep(feed: string, lane: string, state: SweepState): Promise<void>;
}

/** What is noted of the files that should arrive each day (core/nights/). */
export interface ExpectedLedger {
  /** As of the reconciler's last run; undefined if nothing was ever expected. */
  getExpected(feed: string): Promise<ExpectedNote | undefined>;
  saveExpected(feed: string, note: ExpectedNote): Promise<void>;
}

/** `earlier`, `newer`: the files after the write. `obstacle`: why nothing was changed. */
export type GoneWithout =
  | { kind: 'done'; newer: FileAccount; earlier: FileAccount; repeated: boolean }
  | { kind: 'refused'; obstacle: WithoutObstacle };

/** A file of a series, among those that have entered it. */
export interface PlaceInSeries {
  own: KnownRevision;
  earlier: KnownRevision[];
  later: KnownRevision[];
}

/** Files that are revisions of each other (core/series/). */
export interface SeriesLedger {
  /** A file that has entered, and those that entered before and after it. Undefined if the series has forgotten it. */
  findInSeries(seriesId: string, fileId: string): Promise<PlaceInSeries | undefined>;
  /** Adds a file to its series and returns the revisions that entered before it, the latest last. Repeatable. */
  enterSeries(seriesId: string, revision: KnownRevision): Promise<KnownRevision[]>;
  /**
   * A newer revision takes over: nothing more of the file is sent from now on. Returns the file after the write; undefined if
   * it is open.
   */
  supersedeFile(fileId: string, by: string): Promise<FileAccount | undefined>;
  /**
   * Stops a file that is in progress; for good, if a newer revision is sent in its place. False if the file is stopped already,
   * or if all of its records have ended.
   */
  stopRevision(fileId: string, quarantine: Quarantine, by?: string): Promise<boolean>;
  /**
   * A person's decision that a revision goes on without an earlier one: nothing more of that is sent. Repeatable.
   */
  goWithout(fileId: string, earlierId: string, who: { by: string; why: string }): Promise<GoneWithout>;
  /** Before a letter or a correction is tried. Undefined if it may be; otherwise the file that has taken over. */
  beginTry(fileId: string, forMs: number): Promise<string | undefined>;
  /** Notes, with each look, that a released file waits, so that it has not stalled. @param earlier the revision, if known */
  noteWait(file: FileAccount, earlier: string | undefined): Promise<void>;
  /** A file that waits for an earlier revision may be claimed at once. False if it does not wait. */
  wakeRevision(fileId: string): Promise<boolean>;
  /** Notes that the desk was notified that the file waits. */
  noteWaitNotified(file: Pick<FileAccount, 'fileId' | 'waitsFor'>): Promise<void>;
  /**
   * Notes what a released file is compared with, once nothing more of the earlier revisions is sent. False if that is noted
   * already: it does not change once something of the file may have been sent.
   */
  takeSeries(fileId: string, taken: TakenSeries): Promise<boolean>;
}

/** Control files: second files that say what a file must have (core/control/). Names are keys without a lane's prefix. */
export interface ControlLedger {
  /** Adds a version of a file, and returns which ones and which control files have come. Repeatable. */
  enterControlled(feed: string, name: string, file: ControlledFile): Promise<SeenControls>;
  /** Adds a version of a control file. Repeatable. @param name of the file that it speaks of */
  enterControl(feed: string, name: string, control: SeenControl): Promise<SeenControls>;
  /** Which versions have come. */
  readControls(feed: string, name: string): Promise<SeenControls>;
  /** A file that waits for its control file may be claimed at once. False if it does not wait. */
  wakeFile(fileId: string): Promise<boolean>;
  /** A person sends a file that waits, without its control file. Undefined if it does not wait (any more). */
  releaseWaiting(fileId: string, by: string, why: string): Promise<FileAccount | undefined>;
  /** Notes that the desk was notified that the file waits. */
  noteNotified(file: Pick<FileAccount, 'fileId' | 'control'>, occasions: readonly ControlOccasion[]): Promise<void>;
  /** Keeps a control file that changes nothing until the desk has been notified. Repeatable. */
  keepLateControl(feed: string, late: LateControl): Promise<void>;
  /** Those that the desk was not notified of yet, at most `limit`. */
  listLateControls(feed: string, limit: number): Promise<LateControl[]>;
  closeLateControls(feed: string, late: readonly LateControl[]): Promise<void>;
}

/** How files ended, for a feed's desk and the screens; each file is in one mail. */
export interface NoticeLedger {
  /** Repeatable. */
  keepNotice(notice: FileNotice): Promise<void>;
  /** Those of the last two days that were in no mail yet. Strongly consistent. */
  pendingNotices(feed: string): Promise<FileNotice[]>;
  /** Those since then, the oldest first. */
  recentNotices(feed: string, sinceMs: number): Promise<FileNotice[]>;
  /** Notes that they were in a mail. */
  closeNotices(notices: readonly FileNotice[]): Promise<void>;
  getMailState(feed: string): Promise<MailState>;
  /** True if the caller has to have a mail sent after `waitMs`; false if one is due already. */
  requestMail(feed: string, waitMs: number): Promise<boolean>;
  /** Notices from now on request another mail. */
  beginMail(feed: string): Promise<void>;
  endMail(feed: string): Promise<void>;
}

/** A feed's night log (core/nights/): how far it has come, and which files it has. Every write can be repeated. */
export interface NightLedger {
  /** Undefined if it has not begun. Strongly consistent. */
  getNight(feed: string): Promise<NightHead | undefined>;
  /** Begins the log; returns how far it is, as it is afterwards. */
  beginNights(feed: string, from: number): Promise<NightHead>;
  /** Every file that came before the log is marked. */
  endOpening(feed: string): Promise<void>;
  /** Notes what is about to be stored as an entry. False if that entry is closed. */
  noteDraft(feed: string, number: number, sha256: string): Promise<boolean>;
  /** Notes in a file's item which entry mentions it, unless a later one does; with `noted` 0, only if none does. */
  markNight(fileId: string, mark: NightMark): Promise<void>;
  /** False if it was closed before. */
  closeNight(feed: string, number: number, to: number, sha256: string, isContinued: boolean): Promise<boolean>;
}

export type Ledger = FileLedger &
  BundleLedger &
  BatchLedger &
  DeadLedger &
  AlteredLetterLedger &
  DeskLedger &
  SeriesLedger &
  ControlLedger &
  NoticeLedger &
  NightLedger;

export type ItemUpdate =
  /** The item after the change. */
  | { kind: 'changed'; item: Item }
  /** A check failed: the current item, if there is one. */
  | { kind: 'refused'; item: Item | undefined };

/** The table that the ledger and the limiter are kept in. What is written is decided in core/ledger/ and core/limiter/. */
export interface ItemStore {
  /** Strongly consistent. */
  read(key: ItemKey): Promise<Item | undefined>;
  /** The existing ones of these items, in any order; eventually consistent. @param keys at most `maxItemsAtOnce` */
  readAll(keys: readonly ItemKey[]): Promise<Item[]>;
  /** Applies the whole change atomically, or nothing if a check fails. */
  update(key: ItemKey, change: ItemChange): Promise<ItemUpdate>;
  /**
   * Applies all changes atomically, or none if one of their checks fails: then it returns false.
   * @param writes at most `maxItemsAtOnce`, each for a different item
   */
  updateAll(writes: readonly ItemWrite[]): Promise<boolean>;
  /** Replaces the item, or creates it. */
  put(key: ItemKey, item: Item): Promise<void>;
  /**
   * A partition's items whose sort keys begin with `skPrefix`, ordered by sort key. Strongly consistent.
   * @param after only items whose sort key is greater
   */
  query(pk: string, skPrefix?: string, after?: string): AsyncIterable<Item>;
  /**
   * Keys of the items with this `listPk`, ordered by `listSk`; eventually consistent.
   * @param about how many are needed: one call reads this many
   * @param before only items whose `listSk` is less than this
   */
  list(listPk: string, order: 'newest' | 'oldest', about?: number, before?: string): AsyncIterable<ItemKey>;
}

/**
 * Send times and the breaker, shared by every consumer of an API (see core/limiter/limiter.ts and core/limiter/breaker.ts).
 */
export interface Limiter {
  /**
   * The next send times, as milliseconds since 1970; or how long to wait before asking again. `waitedMs`: for how long the
   * caller has waited already, which puts it before later ones. `prober`: a caller that has only records that have failed
   * before makes a probe only if no consumer has others.
   */
  leaseSlots(count: number, waitedMs: number, prober?: Prober): Promise<SlotLease>;
  /**
   * If an operator has paused the feed: when to look again, in milliseconds since 1970. Leases and probes are refused until
   * then; this is for callers that have not begun.
   */
  stoppedUntil(): Promise<number | undefined>;
  /**
   * No one leases a slot before that time. Bounded: see core/limiter/retry.ts. `counts`: false if the record is known to
   * cause pauses repeatedly (see `countOthers`).
   */
  pauseUntil(timeMs: number, counts?: boolean): Promise<void>;
  /**
   * The number of requests that passed over all consumers, and of pauses that the API asked for: only differences are
   * meaningful. And when the last pause ends or ended, in milliseconds since 1970.
   */
  countOthers(): Promise<OthersCount & { pausedUntilMs: number }>;
  /** Delays every slot that is not leased yet: a request arrived later than the margin allows. */
  shift(ms: number): Promise<void>;
  /**
   * No one sends for `breakerPauseMs`, then one probe. Undefined if it is open already: nothing changes. With a condition,
   * `others-pass` if another consumer's requests are accepted: nothing changes either. `by`: the answer that triggered it.
   */
  openBreaker(
    reason: BreakerReason,
    condition?: OpeningCondition,
    by?: OpenedBy,
  ): Promise<BreakerState | 'others-pass' | undefined>;
  /** Asks whether others' requests are accepted; they answer within seconds, and `openBreaker` takes it into account. */
  requestReports(): Promise<void>;
  /**
   * Ends the probe: closes the breaker, or leaves it open for another pause. Undefined if another consumer has the probe by
   * now. `isSuspect`: the probe's record had failed before. `asksToWait`: the API named a time, so the probe does not count
   * towards a flush. `answer`: kept while the breaker is open.
   */
  endProbe(
    end: ProbeEnd,
    isSuspect?: boolean,
    asksToWait?: boolean,
    answer?: BreakerAnswer,
    tokenFault?: TokenFault,
  ): Promise<BreakerState | undefined>;
  /** A request succeeded: shared with the others in the next lease, at no cost. `accepted`: the API accepted the record. */
  noteSuccess(accepted?: Accepted): void;
  /** A record was refused, with the status of most of this consumer's refusals. */
  noteRefusal(): void;
  /**
   * Refusals over all consumers since any record was accepted, as of the last lease; without leases, this consumer's
   * refusals.
   */
  refusals(): SharedRefusals;
  /**
   * Counts a record that failed as in an outage. True if all consumers together have seen enough for an outage: open the
   * breaker.
   */
  countOutage(): Promise<boolean>;
  /** Resets that count. */
  forgetOutage(): Promise<void>;
  /** True for one caller per opening, once that many probes have failed: its batch is given up. */
  takeFlush(failedProbes: number): Promise<boolean>;
}
export type SlotLease =
  | { kind: 'leased'; firstSlotMs: number; spacingMs: number; count: number }
  /** The breaker is half open and this caller makes the one request that decides, now. */
  | { kind: 'probe' }
  /** `paused`: by `Retry-After`, the breaker or an operator; otherwise others' leases fill the line. */
  | { kind: 'wait'; untilMs: number; paused: boolean };

export interface SharedRefusals {
  count: number;
  /** No consumer is known to have had a record accepted since then. Milliseconds since 1970. */
  sinceMs: number;
}

/** A probe's result. True: `accepted`; false: `failed`. */
export type ProbeEnd = boolean | 'accepted' | 'refused' | 'failed';

/** The breaker after a change. */
export interface BreakerState {
  state: 'open' | 'closed';
  /** Why the breaker opened, whatever the results of its probes. */
  reason: BreakerReason;
  failedProbes: number;
  /** The number of latest probes by records that had failed before; absent if there are none. */
  loneProbes?: number;
  /** When the next probe may be made; null if it is closed. */
  untilMs: number | null;
}

/** The item with an API's limiter and breaker; core/limiter/limiter-item.ts has its changes. */
export interface LimiterStore {
  /** Strongly consistent. Empty if there is none yet. */
  read(): Promise<LimiterItem>;
  /**
   * Applies the whole change atomically and returns the item after it; undefined, and no change, if one of its checks
   * fails.
   */
  update(change: LimiterChange): Promise<LimiterItem | undefined>;
  /** Who decided what applies now, and why; core/limiter/policy-changes.ts has its changes. Empty if nothing is. */
  readInForce(): Promise<InForce>;
  /**
   * Applies a decision, and stores it; false, and no change, if another decision came first. It is not repeated: the
   * caller reads again, and decides again.
   */
  decide(change: PolicyChange): Promise<boolean>;
  /** Every decision about the API, those of its calendar included, for 400 days; the oldest first. */
  listDecisions(): Promise<Decision[]>;
}

/** A sink's answer to one record. `answer`: the other side's text, without secrets, on one short line. */
export type SinkAnswer =
  | { kind: 'uploaded'; status: number }
  /** `isOurs`, if the sink knows it: true if an earlier try of the same record stored it, false if another record did. */
  | { kind: 'duplicate'; status: number; isOurs?: boolean; answer?: string }
  /** An earlier request with the same id has not ended: ask again whether the record is stored. */
  | { kind: 'in-progress'; status: number; answer?: string; retryAfterMs?: number }
  /** `lacksSuperseded`: it does not have the entry that the request named, and has stored nothing. */
  | { kind: 'refused'; status: number; answer: string; lacksSuperseded?: true }
  | { kind: 'throttled'; status: number; retryAfterMs: number | undefined; answer?: string }
  | { kind: 'unauthorised'; status: number; answer: string }
  /** Nothing was sent: the secret with the token cannot be used, for the reason in `answer`. */
  | { kind: 'no-token'; status: null; answer: string }
  /** Worth another try. `ambiguous`: the record may have been stored nevertheless. */
  | {
      kind: 'failed';
      status: number | null;
      reason: string;
      ambiguous: boolean;
      answer?: string;
      /** The other side asks for a pause of this length. */
      retryAfterMs?: number;
      /** A reused connection was lost: it may have been closed long ago, for example in a frozen environment. */
      isStale?: true;
    };

export interface SinkRequest {
  requestId: string;
  /**
   * The request ids of the entries that the API may have in the record's place, the one to try next first; null: none. Absent
   * for a record that replaces no other.
   */
  supersedes?: readonly (string | null)[] | undefined;
  /** The payload as JSON: it is sent so. */
  json: string;
  origin: RecordOrigin;
}

/** A record's identity and origin. */
export interface RecordOrigin {
  /** Values of the feed's identity fields, which define the same record. */
  identity: readonly string[];
  /** SHA-256 of the record's bytes as in the file. */
  sha256: string;
  fileId: string;
  /** SHA-256 of the file's bytes. */
  fileSha256: string;
  source: { bucket: string; key: string; versionId?: string };
  record: number;
  offset: number;
}

/** The destination of records. Never throws for what the other side does: every outcome is an answer. */
export interface Sink {
  deliver(request: SinkRequest, signal: AbortSignal): Promise<SinkAnswer>;
  /** Closes its connections when the requests in flight have ended; the next request opens one again. */
  close?(): Promise<void>;
}

/** The API's Bearer token, from where secrets are kept. */
export interface TokenSource {
  /** Cached between calls. @throws UnusableSecretError if there is no token */
  token(): Promise<string>;
  /** Reads the secret again. @throws UnusableSecretError if there is no token */
  refresh(): Promise<string>;
  /** Identifies the version of the secret read last, without revealing the secret; undefined if unknown. */
  version?(): string | undefined;
}

/** Receipts of open files. */
export interface ReceiptStore {
  /** Stores a batch attempt's receipts (gzip of NDJSON). */
  putReceipts(key: string, bytes: Buffer): Promise<void>;
  getReceipts(key: string): Promise<Buffer>;
}

/** Records that are too long for their dead letters, until their retention is over. */
export interface PayloadStore {
  /** Repeatable: the key names the content. */
  putPayload(key: string, bytes: Buffer): Promise<void>;
  /** Undefined if there is none (any more), or if it may not be read. The caller checks the hash. */
  getPayload(key: string): Promise<Buffer | undefined>;
}

export interface Archive {
  /** Copies a source of at most 5 GB next to the manifest; repeatable. Undefined if it is gone. */
  copySource(source: SourceObject, key: string): Promise<{ key: string } | undefined>;
  has(key: string): Promise<boolean>;
  /** Stores an object from a stream; an existing one is left as it is. */
  putStream(key: string, body: Readable, contentType: string): Promise<void>;
  /** `exists` if there is one already. */
  putOnce(key: string, body: string | Buffer, contentType: string): Promise<'stored' | 'exists'>;
  getText(key: string): Promise<string | undefined>;
  /** An object's bytes as a stream; undefined if there is none. */
  getStream(key: string): Promise<Readable | undefined>;
}

/** A part of an object, as the archive has received it. */
export interface StoredPart {
  etag: string;
  /** SHA-256 of its bytes, base64. */
  sha256: string;
}

/** An object of the archive that is stored in parts, also by several invocations. It exists when it is complete. */
export interface ArchiveUploads {
  /** Returns the upload's id. */
  begin(key: string, contentType: string): Promise<string>;
  /**
   * Repeatable: the last bytes of a number count. @param number from 1
   * @throws UploadGoneError if there is no such upload (any more)
   */
  putPart(upload: { key: string; id: string }, number: number, bytes: Buffer): Promise<StoredPart>;
  /**
   * The same with the source's bytes `from` to `last`. Undefined if the source has changed or is gone.
   * @throws UploadGoneError if there is no such upload (any more)
   */
  copyPart(
    upload: { key: string; id: string },
    number: number,
    source: SourceObject,
    range: { from: number; last: number },
  ): Promise<StoredPart | undefined>;
  /**
   * `exists` if there is an object already.
   * @throws UploadGoneError if there is no such upload (any more), or if its parts are others
   */
  complete(upload: { key: string; id: string }, parts: readonly StoredPart[]): Promise<'stored' | 'exists'>;
  /** Discards it; does nothing if it does not exist (any more). */
  abort(upload: { key: string; id: string }): Promise<void>;
  /** Whether the object consists of exactly these parts; false as well if the archive can't tell without reading it. */
  isMadeOf(key: string, parts: readonly Pick<StoredPart, 'sha256'>[]): Promise<boolean>;
}

/** Signs with a private key that never leaves its store. */
export interface Signer {
  /** Cached between calls. @throws if it is not a P-256 key */
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
  notify(subject: string, text: string): Promise<void>;
}

/** A message in a queue. */
export interface QueuedMessage {
  messageId: string;
  body: string;
  sentAt: number;
  receives: number;
}

/** A DLQ, read without being changed. */
export interface DeadQueue extends QueueDepth {
  /** Whether SQS is currently moving its messages. */
  isBeingRedriven(): Promise<boolean>;
  /**
   * Passes each message to `look`, several concurrently; each is invisible for a moment. None is kept in memory: a letter
   * has up to 100 KB, and there may be 100,000 of them. An error of `look` ends it, and so does the signal.
   */
  read(look: (message: QueuedMessage) => Promise<void>, signal?: AbortSignal): Promise<void>;
}

/** Publishes events for other systems: a file completed, an account amended. */
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
  /** Files that failed, or have no records: nothing of them was sent. */
  | 'UnsentFiles'
  | 'BreakerOpen'
  | 'UnauthorisedAnswers'
  | 'ClockSkew'
  | 'StalledFiles'
  | 'OpenDeadLetters'
  | 'OldestDeadLetterAge'
  | 'DeadlineMarginSeconds'
  /** Dropped files without an S3 event, in each run of the reconciler that checks. */
  | 'UnannouncedFiles'
  /** Places with objects that no feed takes, when an object is found there for the first time. */
  | 'UnclaimedObjects'
  /** Expected files that are not here by their time, in each run of the reconciler. */
  | 'MissingFiles'
  /** Files that wait for their control file for longer than their feed allows, in each run of the reconciler. */
  | 'OverdueControlFiles'
  /** Per request, from handing it over to its answer's last byte; failed requests included. Milliseconds. */
  | 'ApiLatency'
  /** The share of waiting for send times in the time that a batch's connections spent on sending. Percent. */
  | 'SlotWaitShare'
  /** One consumer's requests in flight when a request begins, that one included. */
  | 'ConnectionsInUse'
  | 'MessagesPutBack'
  | 'MemoryUse';

/** A feed's figures, for alarms and graphs. */
export interface Metrics {
  /**
   * Counts are summed; durations are in milliseconds, ages in seconds. Metrics measured per request (`ApiLatency`,
   * `ConnectionsInUse`) are published as a distribution of at most 99 values.
   */
  add(name: MetricName, value: number): void;
  /** Publishes what was added since the last flush. */
  flush(): void;
}

/** The structured log. No payload at info level. */
export interface AuditLog {
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
  debug(message: string, fields?: Record<string, unknown>): void;
}
