import type {
  BatchAccount,
  Correction,
  DeadAttempt,
  DeadRecord,
  DeadResolution,
  FileAccount,
  SourceObject,
} from '../../lambdas/core/account/file-account.ts';
import { fileIdOf } from '../../lambdas/core/records/identity.ts';
import { maxMembers } from '../../lambdas/core/records/bundle.ts';
import type { ManifestFigures } from '../../lambdas/core/account/manifest.ts';
import { manifestFigures } from '../../lambdas/core/account/manifest.ts';
import { addCounts, noCounts, outcomes } from '../../lambdas/core/account/outcome.ts';
import { blocksSameBytes } from '../../lambdas/core/account/reading.ts';
import type { Quarantine } from '../../lambdas/core/account/quarantine.ts';
import { letterDigest } from '../../lambdas/core/authenticity.ts';
import { alteredEntry, hasAltered, withEntry } from '../../lambdas/core/dead-letters/dead-history.ts';
import { letterIdOf, placeOf } from '../../lambdas/core/dead-letters/letter-note.ts';
import type { Letter, UnnotedLetter } from '../../lambdas/messages.ts';
import type {
  AlteredLetter,
  BatchClaim,
  BatchSettlement,
  ClaimEnd,
  Clock,
  DeadlineNote,
  DeskState,
  FileClaim,
  FileClose,
  FileLedger,
  FileList,
  Ledger,
  LetterAdoption,
  NewBundle,
  NewFile,
  SplitProgress,
} from '../../lambdas/ports.ts';

/** The ledger's contract without a table; held to the real one's behaviour by test/contract/ledger.test.ts. */
export class InMemoryLedger implements Ledger {
  readonly files = new Map<string, FileAccount>();
  readonly batches = new Map<string, BatchAccount>();
  readonly dead = new Map<string, DeadRecord>();
  readonly figures = new Map<string, ManifestFigures>();
  readonly checksums = new Map<string, string>();
  readonly altered = new Map<string, Map<string, AlteredLetter & { isClosed?: boolean }>>();
  readonly #notes = new Map<string, string[]>();
  /** With their open letters. */
  readonly #closed = new Map<string, number>();
  readonly #clock: Pick<Clock, 'now'>;

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  async claimFile(
    fileId: string,
    create: NewFile | undefined,
    owner: string,
    leaseMs: number,
  ): Promise<FileClaim | { kind: 'unknown' }> {
    const now = this.#clock.now();
    const before = this.files.get(fileId);
    if (!before && !create) return { kind: 'unknown' };
    if (before && before.state !== 'splitting') return { kind: 'finished', file: structuredClone(before) };
    if (before?.leaseUntil !== undefined && before.leaseUntil >= now) {
      if (before.leaseOwner === owner) return { kind: 'claimed', file: structuredClone(before) };
      return { kind: 'busy', leaseUntil: before.leaseUntil };
    }
    if ((before?.heldBackUntil ?? 0) > now) return { kind: 'held-back', until: before?.heldBackUntil as number };
    const file = before ?? this.#newFile(create as NewFile);
    Object.assign(file, {
      leaseOwner: owner,
      leaseUntil: now + leaseMs,
      epoch: file.epoch + 1,
      updatedAt: now,
    });
    delete file.heldBackUntil;
    this.files.set(fileId, file);
    return { kind: 'claimed', file: structuredClone(file) };
  }

  #newFile(create: NewFile): FileAccount {
    const now = this.#clock.now();
    const counts = { settledBatches: 0, settled: noCounts() };
    return { ...create, state: 'splitting', createdAt: now, updatedAt: now, epoch: 0, ...counts };
  }

  #owned(fileId: string, epoch: number): FileAccount | undefined {
    const file = this.files.get(fileId);
    return file?.epoch === epoch && file.state === 'splitting' ? file : undefined;
  }

  #change(fileId: string, epoch: number, change: Partial<FileAccount>, free: boolean): FileAccount | undefined {
    const file = this.#owned(fileId, epoch);
    if (!file) {
      const ended = this.files.get(fileId);
      return ended?.epoch === epoch && ended.state === change.state ? structuredClone(ended) : undefined;
    }
    Object.assign(file, structuredClone(change), { updatedAt: this.#clock.now() });
    if (free) {
      delete file.leaseOwner;
      delete file.leaseUntil;
    }
    return structuredClone(file);
  }

  async createBundle(
    bundle: NewBundle,
    members: readonly SourceObject[],
  ): Promise<{ kind: 'created' } | { kind: 'taken'; members: FileAccount[] }> {
    if (members.length > maxMembers) throw new Error('DynamoDB takes 100 items at once.');
    const taken = members.flatMap((source) => this.files.get(fileIdOf(bundle.feed, source)) ?? []);
    if (taken.length > 0) return { kind: 'taken', members: structuredClone(taken) };
    const file = { ...this.#newFile(bundle), ...structuredClone(bundle) };
    this.files.set(bundle.fileId, file);
    for (const source of members) {
      const place = { ...this.#newFile({ ...bundle, fileId: fileIdOf(bundle.feed, source), source }) };
      const { sha256: _sha256, dialect: _dialect, bundle: _bundle, ...member } = place;
      this.files.set(member.fileId, { ...member, state: 'bundled', bundleId: bundle.fileId });
    }
    return { kind: 'created' };
  }

  async saveSplitProgress(fileId: string, epoch: number, progress: SplitProgress): Promise<FileAccount | undefined> {
    return this.#change(fileId, epoch, progress, false);
  }

  async releaseFile(fileId: string, epoch: number, heldBackUntil?: number): Promise<boolean> {
    const held = heldBackUntil === undefined ? {} : { heldBackUntil };
    return this.#change(fileId, epoch, held, true) !== undefined;
  }

  async claimChecksum(
    feed: string,
    sha256: string,
    fileId: string,
    reading: string,
  ): Promise<{ kind: 'first' } | { kind: 'duplicate'; of: string }> {
    const key = `${feed}#${sha256}#${reading}`;
    const holder = this.checksums.get(key);
    if (holder !== undefined && holder !== fileId && blocksSameBytes(this.files.get(holder))) {
      return { kind: 'duplicate', of: holder };
    }
    this.checksums.set(key, fileId);
    return { kind: 'first' };
  }

  async finishSplit(
    fileId: string,
    epoch: number,
    totals: { records: number; batches: number },
    warnings: { code: string; message: string }[],
  ): Promise<FileAccount | undefined> {
    const { records: totalRecords, batches: totalBatches } = totals;
    const splitAt = this.#clock.now();
    return this.#change(fileId, epoch, { state: 'split', totalRecords, totalBatches, warnings, splitAt }, true);
  }

  async endFile(
    fileId: string,
    epoch: number,
    end: Parameters<FileLedger['endFile']>[2],
  ): Promise<FileAccount | undefined> {
    const totals = end.state === 'superseded' ? end.totals : { records: 0, batches: 0 };
    const why = end.state === 'duplicate' ? { duplicateOf: end.of } : { failure: end.failure };
    const change = { state: end.state, ...why, totalRecords: totals.records, totalBatches: totals.batches };
    return this.#change(fileId, epoch, { ...change, splitAt: this.#clock.now() }, true);
  }

  async getFile(fileId: string): Promise<FileAccount | undefined> {
    return structuredClone(this.files.get(fileId));
  }

  async closeFile(fileId: string, close: FileClose): Promise<boolean> {
    const file = this.files.get(fileId);
    if (!file || (file.manifest && file.manifest.number >= close.manifest.number)) return false;
    file.completedAt ??= this.#clock.now();
    file.updatedAt = this.#clock.now();
    file.state = close.state;
    file.manifest = close.manifest;
    this.#closed.set(fileId, close.openLetters);
    for (const figures of close.figures) {
      this.figures.set(batchKey(fileId, figures.manifest_number), manifestFigures.parse(figures));
    }
    return true;
  }

  async getManifestFigures(fileId: string, number: number): Promise<ManifestFigures | undefined> {
    return structuredClone(this.figures.get(batchKey(fileId, number)));
  }

  async quarantineFile(fileId: string, quarantine: Quarantine): Promise<boolean> {
    const file = this.files.get(fileId);
    const isOpen = file?.state === 'splitting' || file?.state === 'split';
    if (!file || !isOpen || file.quarantine || file.manifest) return false;
    Object.assign(file, { quarantine: structuredClone(quarantine), updatedAt: this.#clock.now() });
    return true;
  }

  async releaseQuarantine(fileId: string, by: string, why: string): Promise<FileAccount | undefined> {
    const file = this.files.get(fileId);
    if (file?.state !== 'quarantined' || !file.manifest || !file.quarantine || file.release) return undefined;
    Object.assign(file, { state: 'split', release: { at: this.#clock.now(), by, why }, updatedAt: this.#clock.now() });
    this.#closed.delete(fileId);
    return structuredClone(file);
  }

  async requestAmendment(fileId: string, repeatAfterMs: number): Promise<boolean> {
    const file = this.files.get(fileId);
    const now = this.#clock.now();
    if (!file) return false;
    file.lastResolvedAt = now;
    if (file.amendmentRequestedAt !== undefined && file.amendmentRequestedAt >= now - repeatAfterMs) return false;
    file.amendmentRequestedAt = now;
    return true;
  }

  async beginAmendment(fileId: string): Promise<void> {
    delete this.files.get(fileId)?.amendmentRequestedAt;
  }

  async listFiles(
    feed: string,
    which: FileList,
    limit: number,
    order: 'newest' | 'oldest' = 'newest',
  ): Promise<FileAccount[]> {
    return [...this.files.values()]
      .filter((file) => file.feed === feed && this.#isIn(which, file.fileId))
      .sort((a, b) => (order === 'oldest' ? a.createdAt - b.createdAt : b.createdAt - a.createdAt))
      .slice(0, limit)
      .map((file) => structuredClone(file));
  }

  async *eachFile(feed: string, which: Exclude<FileList, 'closed'>): AsyncGenerator<FileAccount> {
    yield* await this.listFiles(feed, which, Infinity, 'oldest');
  }

  #isIn(which: FileList, fileId: string): boolean {
    if (this.files.get(fileId)?.bundleId !== undefined) return false;
    if (which === 'dead') return (this.#closed.get(fileId) ?? 0) > 0;
    return this.#closed.has(fileId) === (which === 'closed');
  }

  async touchFile(fileId: string): Promise<void> {
    const file = this.files.get(fileId);
    if (file) file.updatedAt = this.#clock.now();
  }

  async claimBatch(
    place: { fileId: string; batch: number; attempt: number; records: number; firstRecord: number },
    owner: string,
    leaseMs: number,
  ): Promise<BatchClaim> {
    const now = this.#clock.now();
    const before = this.batches.get(batchKey(place.fileId, place.batch));
    const isHeld = before?.state === 'settled' && (before.counts?.held ?? 0) > 0 && before.attempt < place.attempt;
    if (before?.state === 'settled' && !isHeld) return { kind: 'settled', batch: structuredClone(before) };
    if (before && before.attempt > place.attempt) return { kind: 'stale' };
    if (before?.leaseUntil !== undefined && before.leaseUntil >= now) {
      if (before.leaseOwner === owner) return { kind: 'claimed', batch: structuredClone(before) };
      return { kind: 'busy', leaseUntil: before.leaseUntil };
    }
    const { fileId, batch: number, attempt, records, firstRecord } = place;
    const batch: BatchAccount = {
      ...before,
      ...{ fileId, batch: number, attempt, records, firstRecord },
      state: 'open',
      leaseOwner: owner,
      leaseUntil: now + leaseMs,
      unreleased: (before?.unreleased ?? 0) + 1,
    };
    this.batches.set(batchKey(fileId, number), batch);
    return { kind: 'claimed', batch: structuredClone(batch) };
  }

  #held(fileId: string, batch: number, owner: string): BatchAccount | undefined {
    const account = this.batches.get(batchKey(fileId, batch));
    return account?.state === 'open' && account.leaseOwner === owner ? account : undefined;
  }

  async saveProgress(
    fileId: string,
    batch: number,
    owner: string,
    progress: Uint8Array,
    leaseMs: number,
  ): Promise<boolean> {
    const account = this.#held(fileId, batch, owner);
    if (!account) return false;
    account.progress = progress;
    account.leaseUntil = this.#clock.now() + leaseMs;
    if (leaseMs === 0) {
      delete account.leaseUntil;
      delete account.unreleased;
    }
    return true;
  }

  async releaseBatch(fileId: string, batch: number, owner: string, end: ClaimEnd = 'released'): Promise<void> {
    const account = this.#held(fileId, batch, owner);
    if (!account) return;
    delete account.leaseUntil;
    if (end === 'released') delete account.unreleased;
  }

  async getBatch(fileId: string, batch: number): Promise<BatchAccount | undefined> {
    return structuredClone(this.batches.get(batchKey(fileId, batch)));
  }

  async settleBatch(
    fileId: string,
    batch: number,
    owner: string,
    { progress, replaces, ...settlement }: BatchSettlement,
  ): Promise<boolean> {
    const account = this.#held(fileId, batch, owner);
    if (!account) return false;
    Object.assign(account, { buried: false }, structuredClone(settlement), {
      state: 'settled',
      settledAt: this.#clock.now(),
    });
    delete account.leaseOwner;
    delete account.leaseUntil;
    delete account.unreleased;
    delete account.progress;
    if (progress) account.progress = progress;
    const file = this.files.get(fileId);
    if (!file) return false;
    if (!replaces) file.settledBatches++;
    file.lastSettledAt = this.#clock.now();
    file.settled = addCounts(file.settled, settlement.counts);
    for (const outcome of outcomes) file.settled[outcome] -= replaces?.[outcome] ?? 0;
    file.updatedAt = this.#clock.now();
    return true;
  }

  async *listBatches(fileId: string): AsyncGenerator<BatchAccount> {
    const mine = [...this.batches.values()].filter((batch) => batch.fileId === fileId);
    for (const batch of mine.sort((a, b) => a.batch - b.batch)) yield structuredClone(batch);
  }

  async noteLetters(fileId: string, group: string, letters: readonly UnnotedLetter[]): Promise<Letter[]> {
    const noted = letters.map((letter, place) => ({ ...letter, letter_id: letterIdOf(group, place) }));
    this.#notes.set(`${fileId}/${group}`, noted.map(letterDigest));
    return noted;
  }

  async isNoted(letter: Letter): Promise<boolean> {
    const place = placeOf(letter.letter_id);
    const digests = place && this.#notes.get(`${letter.file_id}/${place.note}`);
    return digests?.[place?.place ?? 0] === letterDigest(letter);
  }

  async allowLetter(letter: Letter): Promise<void> {
    const dead = this.dead.get(batchKey(letter.file_id, letter.record));
    const digest = letterDigest(letter);
    if (dead?.letterId !== letter.letter_id || dead.letterDigests?.includes(digest)) return;
    dead.letterDigests = [...(dead.letterDigests ?? []), digest];
  }

  async noteAltered(fileId: string, record: number, altered: NonNullable<DeadAttempt['altered']>): Promise<void> {
    const dead = this.dead.get(batchKey(fileId, record));
    if (dead?.state !== 'dead' || hasAltered(dead.history, altered)) return;
    dead.history = withEntry(dead.history, alteredEntry(dead, altered, this.#clock.now()));
  }

  async keepAltered(feed: string, altered: AlteredLetter): Promise<void> {
    const ofFeed = this.altered.get(feed) ?? new Map<string, AlteredLetter & { isClosed?: boolean }>();
    this.altered.set(feed, ofFeed);
    if (!ofFeed.has(altered.sha256)) ofFeed.set(altered.sha256, { ...altered });
  }

  async listAltered(feed: string, limit: number): Promise<AlteredLetter[]> {
    const open = [...(this.altered.get(feed)?.values() ?? [])].filter(({ isClosed }) => !isClosed);
    return open.slice(0, limit).map(({ isClosed: _isClosed, ...altered }) => altered);
  }

  async closeAltered(feed: string, altered: readonly AlteredLetter[]): Promise<void> {
    for (const { sha256 } of altered) {
      const kept = this.altered.get(feed)?.get(sha256);
      if (kept) kept.isClosed = true;
    }
  }

  async adoptLetter(
    letter: Letter,
    message: { id: string; sentAt: number },
    digests: readonly string[] | null = [letterDigest(letter)],
  ): Promise<LetterAdoption> {
    const key = batchKey(letter.file_id, letter.record);
    const before = this.dead.get(key);
    if (before && before.letterId !== letter.letter_id) return { kind: 'surplus' };
    const dead = before ?? this.#newDead(letter, message.sentAt);
    if (digests) dead.letterDigests ??= [...digests];
    Object.assign(dead, { messageId: message.id, messageSentAt: message.sentAt });
    this.dead.set(key, dead);
    return { kind: 'adopted', dead: structuredClone(dead) };
  }

  #newDead(letter: Letter, failedMessageSentAt: number): DeadRecord {
    const { outcome, reason, error, http_status: status } = letter;
    return {
      fileId: letter.file_id,
      record: letter.record,
      letterId: letter.letter_id,
      sha256: letter.sha256,
      state: 'dead',
      outcome,
      failedMessageSentAt,
      history: [{ at: Date.parse(letter.timestamp), outcome, reason, error, status }],
      createdAt: this.#clock.now(),
      requestId: letter.request_id,
    };
  }

  async noteSending(fileId: string, record: number): Promise<void> {
    const dead = this.dead.get(batchKey(fileId, record));
    if (dead) dead.sentSince ??= this.#clock.now();
  }

  async addFailure(
    fileId: string,
    record: number,
    attempt: DeadAttempt,
    failedMessageSentAt: number | undefined,
  ): Promise<void> {
    const dead = this.dead.get(batchKey(fileId, record));
    if (!dead) return;
    dead.history = withEntry(dead.history, attempt);
    dead.outcome = attempt.outcome;
    if (failedMessageSentAt !== undefined) dead.failedMessageSentAt = failedMessageSentAt;
  }

  async resolveDead(fileId: string, record: number, resolution: DeadResolution): Promise<boolean> {
    const dead = this.dead.get(batchKey(fileId, record));
    if (dead?.state !== 'dead') return false;
    Object.assign(dead, { state: 'resolved', resolution: resolution.kind, resolvedAt: this.#clock.now() });
    if (resolution.kind === 'handled') {
      Object.assign(dead, { resolvedBy: resolution.by, resolvedWhy: resolution.why });
      return true;
    }
    dead.requestId = resolution.requestId;
    if (resolution.correctionId !== undefined) dead.resolvedCorrectionId = resolution.correctionId;
    if (resolution.said !== undefined) dead.resolvedSaid = structuredClone(resolution.said);
    return true;
  }

  async beginCorrection(
    fileId: string,
    record: number,
    correction: Correction,
  ): Promise<{ dead: DeadRecord; repeated: boolean } | undefined> {
    const dead = this.dead.get(batchKey(fileId, record));
    if (dead?.state !== 'dead') return undefined;
    const repeated = dead.correction?.id === correction.id;
    if (!repeated) dead.correction = structuredClone(correction);
    return { dead: structuredClone(dead), repeated };
  }

  async getDead(fileId: string, record: number): Promise<DeadRecord | undefined> {
    return structuredClone(this.dead.get(batchKey(fileId, record)));
  }

  async *listDead(fileId: string): AsyncGenerator<DeadRecord> {
    const mine = [...this.dead.values()].filter((dead) => dead.fileId === fileId);
    for (const dead of mine.sort((a, b) => a.record - b.record)) yield structuredClone(dead);
  }

  readonly #reconcilers = new Map<string, { owner: string; until: number }>();
  readonly deskStates = new Map<string, DeskState>();

  async claimReconciler(feed: string, owner: string, leaseMs: number): Promise<boolean> {
    const now = this.#clock.now();
    const lease = this.#reconcilers.get(feed);
    if (lease && lease.until >= now && lease.owner !== owner) return false;
    this.#reconcilers.set(feed, { owner, until: now + leaseMs });
    return true;
  }

  async releaseReconciler(feed: string, owner: string): Promise<void> {
    if (this.#reconcilers.get(feed)?.owner === owner) this.#reconcilers.delete(feed);
  }

  async getDeskState(feed: string): Promise<DeskState | undefined> {
    return structuredClone(this.deskStates.get(feed));
  }

  async saveDeskState(feed: string, state: DeskState): Promise<void> {
    this.deskStates.set(feed, structuredClone(state));
  }

  readonly #deadlineNotes = new Map<string, DeadlineNote>();

  async getDeadlineNote(feed: string): Promise<DeadlineNote | undefined> {
    return structuredClone(this.#deadlineNotes.get(feed));
  }

  async saveDeadlineNote(feed: string, note: DeadlineNote): Promise<void> {
    this.#deadlineNotes.set(feed, structuredClone(note));
  }

  readonly #notices = new Map<string, number>();

  async countNotice(feed: string, kind: string, hour: number): Promise<number> {
    const count = (this.#notices.get(`${feed}#${kind}#${hour}`) ?? 0) + 1;
    this.#notices.set(`${feed}#${kind}#${hour}`, count);
    return count;
  }
}

const batchKey = (fileId: string, number: number) => `${fileId}#${number}`;
