import type { Correction, DeadAttempt, DeadRecord, DeadResolution } from '../account/file-account.ts';
import { schemaVersion } from '../account/schema-version.ts';
import { letterDigest } from '../authenticity.ts';
import { alteredEntry, inDoubt, withEntry } from '../dead-letters/dead-history.ts';
import { resolvedBySluice } from '../series/superseded-letter.ts';
import type { Letter } from '../../messages.ts';
import type { Check, ItemChange } from './item-change.ts';
import { exists, isNew } from './item-change.ts';
import { expiryOf } from './stored-item.ts';

const isDead: Check = { name: 'state', is: '=', value: 'dead' satisfies DeadRecord['state'] };
const isLetter = (id: string): Check => ({ name: 'letterId', is: '=', value: id });

const digestBytes = 32;

/** 32 bytes per letter, in the order of the letters. */
export function noteLetters(letters: readonly Letter[], now: number): ItemChange {
  const digests = Buffer.concat(letters.map((letter) => Buffer.from(letterDigest(letter), 'hex')));
  return { set: { v: schemaVersion, digests, expiresAt: expiryOf(now) } };
}

/** Whether a note has the digest of this letter at that place. */
export function hasLetter(digests: Uint8Array, place: number, letter: Letter): boolean {
  const from = place * digestBytes;
  return Buffer.from(digests.subarray(from, from + digestBytes)).toString('hex') === letterDigest(letter);
}

/** Sets only missing values: if the same letter is seen again, only the message that carries it changes. */
export function adoptLetter(
  letter: Letter,
  message: { id: string; sentAt: number },
  digests: readonly string[] | null,
  now: number,
): ItemChange {
  const { letter_id: letterId, outcome, reason, error, http_status: status, api_answer: answer } = letter;
  const dead: DeadRecord = {
    fileId: letter.file_id,
    record: letter.record,
    letterId,
    ...(digests ? { letterDigests: [...digests] } : {}),
    sha256: letter.sha256,
    ...(letter.earlier_checksums ? { earlier: letter.earlier_checksums } : {}),
    state: 'dead',
    outcome,
    failedMessageSentAt: message.sentAt,
    history: [{ at: Date.parse(letter.timestamp), outcome, reason, error, status, ...(answer && { answer }) }],
    createdAt: now,
    requestId: letter.request_id,
  };
  return {
    when: [{ anyOf: [[isNew], [isLetter(letterId)]] }],
    set: { messageId: message.id, messageSentAt: message.sentAt },
    setOnce: { v: schemaVersion, ...dead },
  };
}

export function allowLetter(letter: Letter): ItemChange {
  const digest = letterDigest(letter);
  return {
    when: [isLetter(letter.letter_id), { name: 'letterDigests', is: 'without', value: digest }],
    append: { letterDigests: [digest] },
  };
}

/** A history is read, changed and written: refused if another writer was faster. */
function hasHistory({ historyVersion: value }: DeadRecord): Check {
  return value === undefined ? { name: 'historyVersion', is: 'absent' } : { name: 'historyVersion', is: '=', value };
}

function withEntries(dead: DeadRecord, entries: readonly DeadAttempt[]): Partial<DeadRecord> {
  if (entries.length === 0) return {};
  return { history: entries.reduce(withEntry, dead.history), historyVersion: (dead.historyVersion ?? 0) + 1 };
}

/** A resolved record's outcome is in manifests, and does not change. */
export function noteAltered(dead: DeadRecord, altered: NonNullable<DeadAttempt['altered']>, now: number): ItemChange {
  return { when: [isDead, hasHistory(dead)], set: withEntries(dead, [alteredEntry(dead, altered, now)]) };
}

export function addFailure(
  dead: DeadRecord,
  attempt: DeadAttempt,
  failedMessageSentAt: number | undefined,
): ItemChange {
  return {
    when: [exists, hasHistory(dead)],
    set: { ...withEntries(dead, [attempt]), outcome: attempt.outcome, failedMessageSentAt },
  };
}

/** Refused for an item of an earlier version, which did not count tries. */
export function noteSending(triedId: string, now: number): ItemChange {
  const isCounted: Check = {
    anyOf: [[{ name: 'sentSince', is: 'absent' }], [{ name: 'tries', is: 'present' }]],
  };
  return { when: [isDead, isCounted], set: { triedId }, setOnce: { sentSince: now }, add: { tries: 1 } };
}

/** It ended without a request that may be stored. Refused if another one was noted since: then both stay. */
export function takeBackSending(tries: number): ItemChange {
  return { when: [isDead, { name: 'tries', is: '=', value: tries }], set: { tries: tries - 1 } };
}

/** Refused if another correction has taken its place. */
export function noteCorrection(correction: Correction): ItemChange {
  return { when: [isDead, { name: 'correction.id', is: '=', value: correction.id }], set: { correction } };
}

/**
 * What may have been stored besides is in the history first: no one asks about it any more. A person who has resolved the
 * record by hand has looked that up. Refused if the record has changed since it was read.
 */
export function resolveDead(dead: DeadRecord, resolution: DeadResolution, now: number): ItemChange {
  const { kind } = resolution;
  const how: Partial<DeadRecord> =
    kind === 'handled'
      ? { resolvedBy: resolution.by, resolvedWhy: resolution.why }
      : {
          requestId: resolution.requestId,
          // Another one may have been begun meanwhile.
          ...(resolution.correction
            ? { resolvedCorrectionId: resolution.correction.id, correction: resolution.correction }
            : {}),
          ...(resolution.answer === undefined ? {} : { resolvedSaid: resolution.answer }),
        };
  const end: Partial<DeadRecord> = { ...how, state: 'resolved', resolution: kind, resolvedAt: now };
  const others = besides(dead, resolution, now);
  const outcome = others.at(-1)?.outcome;
  return {
    when: [isDead, hasHistory(dead), ...hasCorrection(dead)],
    set: { ...withEntries(dead, others), outcome, ...end, expiresAt: expiryOf(now) },
  };
}

/** What is in doubt apart from what has resolved the record. */
function besides(dead: DeadRecord, resolution: DeadResolution, at: number): DeadAttempt[] {
  if (resolution.kind === 'handled') {
    const error = 'it may have been sent before the newer revision came';
    return resolution.by === resolvedBySluice ? inDoubt(dead, { at, reason: 'superseded', error }) : [];
  }
  const ours = resolution.correction?.id;
  const error =
    'the record was resolved before it was known what became of this request, which the API may have stored';
  // Of a letter that is delivered, each try had the same request id.
  return inDoubt(dead, { at, reason: 'resolved_meanwhile', error }).filter(({ correctionId }) => correctionId !== ours);
}

/** The newest correction, as it was read: none has begun or been sent since. */
function hasCorrection({ correction }: DeadRecord): Check[] {
  if (!correction) return [{ name: 'correction', is: 'absent' }];
  return [
    { name: 'correction.id', is: '=', value: correction.id },
    { name: 'correction.isUnsent', is: correction.isUnsent ? 'present' : 'absent' },
  ];
}

/**
 * In place of the correction before it, if there is one. What that one may have stored is in the history first, since the
 * item names only the newest. Refused if another correction was begun meanwhile.
 */
export function beginCorrection(dead: DeadRecord, correction: Correction, now: number): ItemChange {
  const again = { at: now, reason: 'corrected_again' };
  const error = 'another correction came before it was known what became of this one, which the API may have stored';
  const sent = inDoubt(dead, { ...again, error }).filter(({ correctionId }) => correctionId);
  return {
    when: [isDead, hasHistory(dead), ...hasCorrection(dead)],
    set: { correction: { ...correction, isUnsent: true }, ...withEntries(dead, [...sent, ...unsent(dead, again)]) },
  };
}

/** So that its message, if it comes again, does not take the place of the newer one. */
function unsent({ correction }: DeadRecord, again: Pick<DeadAttempt, 'at' | 'reason'>): DeadAttempt[] {
  if (!correction?.isUnsent) return [];
  const error = 'another correction came before this one was sent';
  return [{ ...again, outcome: 'rejected', error, status: null, correctionId: correction.id }];
}
