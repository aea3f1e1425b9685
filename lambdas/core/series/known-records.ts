import { Buffer } from 'node:buffer';
import { keyBytes, KeyTable } from '../key-table.ts';
import type { RequestIdSuffix } from '../records/identity.ts';
import { requestIdOf, suffixText } from '../records/identity.ts';

/**
 * What a revision's record means for the API, compared with the revision before.
 *
 * - `send`: the API does not have it, or has something else in its place
 * - `unchanged`: the API has exactly this
 * - `repeated`: an earlier row of the file has the same identity, and the API has exactly that one
 */
export type RecordPlan = 'send' | 'unchanged' | 'repeated';

/** How a revision differs from the one before. The first three count its good records; `removed` those of the earlier one. */
export interface RevisionCounts {
  unchanged: number;
  changed: number;
  added: number;
  removed: number;
}

/** How a record of an earlier revision is known. */
export interface Knowledge {
  /** The API answered that it had the request id before: another record with it decides. */
  isRepetition?: boolean;
  /** A request may have been stored, or not. */
  isInDoubt?: boolean;
  /** A person has seen to it: whether the API has the request id is not known, and Sluice must not decide. */
  isByHand?: boolean;
  /** SHA-256 of the revision that it was sent in, if that is not the one whose receipts have it. */
  sentIn?: string | undefined;
}

/** What a newer revision's record means, and whether it is the same as the earlier one with its identity. */
export interface NotedRecord {
  plan: RecordPlan;
  isSame: boolean;
  /** As in `KnownPlace`. */
  sentIn: string;
}

/** Where the API has a record, or may have it. */
export interface KnownPlace {
  /** SHA-256 of the revision that it was sent in: part of its request id. */
  sentIn: string;
  isInDoubt: boolean;
  isByHand: boolean;
}

/** The content, the record's number, which revision it was sent in, flags. */
const valueBytes = keyBytes + 7;
const contentAt = keyBytes;
const recordAt = 2 * keyBytes;
const sentInAt = recordAt + 4;
const flagsAt = sentInAt + 2;

const isThere = 1;
/** The API has one of several contents, or one that is not known. */
const isUncertain = 2;
/** The newer revision has the identity as well. */
const isSeen = 4;
/** Its first record with the identity is the same. */
const isSame = 8;
/** Only a repetition is known to have its request id. */
const isRepeated = 16;
/** The API may not have it. */
const isInDoubt = 32;
const isByHand = 64;

/**
 * What the API has of one revision's records, by request id: a record's id is computed from its identity and the
 * revision's checksum, so a newer revision finds its predecessor's record under the id that this record had there. A hash
 * table of fixed size, with 52 bytes for each record: ten million need 520 MB.
 */
export class KnownRecords {
  readonly #suffix: RequestIdSuffix;
  /** The suffix, as receipts name it. */
  readonly sentAs: string;
  /** What it does not have is as in the revision before it. */
  readonly isPartial: boolean;
  readonly #table: KeyTable;
  readonly #slots: Buffer;
  /** The revisions that the API has records of. */
  readonly #sentIn: string[];
  #seen = 0;

  /** @param suffix of the revision's request ids @param records that will be added at most */
  constructor(suffix: RequestIdSuffix, records: number, isPartial = false) {
    this.#suffix = suffix;
    this.isPartial = isPartial;
    this.sentAs = suffixText(suffix);
    this.#sentIn = [this.sentAs];
    this.#table = new KeyTable(records, valueBytes);
    this.#slots = this.#table.slots;
  }

  get size(): number {
    return this.#table.size;
  }

  /**
   * The API has this record. @param record its number @param requestId hex @param sha256 of the record's bytes, hex;
   * undefined if what the API has is not known
   */
  add(record: number, requestId: string, sha256: string | undefined, how: Knowledge = {}): void {
    const key = Buffer.from(requestId.slice(0, 2 * keyBytes), 'hex');
    const content = Buffer.from((sha256 ?? '').slice(0, 2 * keyBytes), 'hex');
    const at = this.#table.find(key);
    const before = this.#slots[at + flagsAt] ?? 0;
    const isNew = before === 0;
    if (isNew) this.#table.take(at, key);
    const isRepetition = how.isRepetition === true;
    let flags = before;
    if (isNew || ((before & isRepeated) !== 0 && !isRepetition)) {
      content.copy(this.#slots, at + contentAt);
      this.#slots.writeUInt32LE(record, at + recordAt);
      this.#slots.writeUInt16LE(this.#placeOf(how.sentIn ?? this.sentAs), at + sentInAt);
      flags = isThere | (sha256 === undefined ? isUncertain : 0) | (isRepetition ? isRepeated : 0);
    } else if (((before & isRepeated) !== 0) === isRepetition && (sha256 === undefined || !this.#has(at, content))) {
      flags |= isUncertain;
    }
    // One record that was certainly stored is enough.
    if (how.isInDoubt && (isNew || (before & isInDoubt) !== 0)) flags |= isInDoubt;
    else flags &= ~isInDoubt;
    this.#slots[at + flagsAt] = flags | (how.isByHand ? isByHand : 0) | (before & isByHand);
  }

  /** The number of this revision's record with the request id; undefined if it has none. */
  recordOf(requestId: string): number | undefined {
    const at = this.#table.find(Buffer.from(requestId.slice(0, 2 * keyBytes), 'hex'));
    return this.#slots[at + flagsAt] === 0 ? undefined : this.#slots.readUInt32LE(at + recordAt);
  }

  /** Whether the newer revision does not have what is known under this id, which is the record with this number. */
  isRemoved(requestId: string, record: number): boolean {
    const at = this.#table.find(Buffer.from(requestId.slice(0, 2 * keyBytes), 'hex'));
    const flags = this.#slots[at + flagsAt] ?? 0;
    return flags !== 0 && (flags & isSeen) === 0 && this.#slots.readUInt32LE(at + recordAt) === record;
  }

  /** Whether what the API has of it may differ from what the file has. */
  isUncertain(requestId: string): boolean {
    const at = this.#table.find(Buffer.from(requestId.slice(0, 2 * keyBytes), 'hex'));
    return ((this.#slots[at + flagsAt] ?? 0) & isUncertain) !== 0;
  }

  /** The id that a record with this identity has in the revision. */
  requestIdOf(identity: readonly string[]): string {
    return requestIdOf(identity, ...this.#suffix);
  }

  /** Undefined if this revision has no record with its identity. */
  placeOf(requestId: string): KnownPlace | undefined {
    const at = this.#table.find(Buffer.from(requestId.slice(0, 2 * keyBytes), 'hex'));
    const flags = this.#slots[at + flagsAt] ?? 0;
    if (flags === 0) return undefined;
    return { sentIn: this.#sentInOf(at), isInDoubt: (flags & isInDoubt) !== 0, isByHand: (flags & isByHand) !== 0 };
  }

  /**
   * Notes a record of the newer revision, in the order of the file, and counts it. Undefined if this revision has no record
   * with its identity.
   */
  note(requestId: string, sha256: string): NotedRecord | undefined {
    const at = this.#table.find(Buffer.from(requestId.slice(0, 2 * keyBytes), 'hex'));
    let flags = this.#slots[at + flagsAt] ?? 0;
    if (flags === 0) return undefined;
    const same = this.#isSame(at, flags, sha256);
    if ((flags & isSeen) === 0) {
      this.#seen++;
      flags |= isSeen | (same ? isSame : 0);
      this.#slots[at + flagsAt] = flags;
    }
    // The API keeps the first of several records with an id, so the first decides about the others.
    const plan = (flags & isSame) === 0 ? 'send' : same ? 'unchanged' : 'repeated';
    return { plan, isSame: same, sentIn: this.#sentInOf(at) };
  }

  /** Identities that the newer revision does not have, once all of its records are noted. */
  get removed(): number {
    if (!this.isPartial) return this.#table.size - this.#seen;
    let removed = 0;
    for (const _ of this.removedRecords()) removed++;
    return removed;
  }

  /** Their numbers, in no order. A partial revision's records that another one has sent are among those of that one. */
  *removedRecords(): Generator<number> {
    for (let at = 0; at < this.#slots.length; at += keyBytes + valueBytes) {
      if (this.#listsAsRemoved(at)) yield this.#slots.readUInt32LE(at + recordAt);
    }
  }

  /** Whether `removedRecords` has the one with this id. */
  listsAsRemoved(requestId: string): boolean {
    return this.#listsAsRemoved(this.#table.find(Buffer.from(requestId.slice(0, 2 * keyBytes), 'hex')));
  }

  #listsAsRemoved(at: number): boolean {
    const flags = this.#slots[at + flagsAt] ?? 0;
    if (flags === 0 || (flags & isSeen) !== 0) return false;
    return !this.isPartial || this.#slots.readUInt16LE(at + sentInAt) === 0;
  }

  #sentInOf(at: number): string {
    return this.#sentIn[this.#slots.readUInt16LE(at + sentInAt)] ?? this.sentAs;
  }

  #placeOf(sentAs: string): number {
    const found = this.#sentIn.lastIndexOf(sentAs);
    return found >= 0 ? found : this.#sentIn.push(sentAs) - 1;
  }

  #isSame(at: number, flags: number, sha256: string): boolean {
    if ((flags & isUncertain) !== 0) return false;
    return this.#has(at, Buffer.from(sha256.slice(0, 2 * keyBytes), 'hex'));
  }

  #has(at: number, content: Buffer): boolean {
    return this.#slots.compare(content, 0, keyBytes, at + contentAt, at + contentAt + keyBytes) === 0;
  }
}
