import type { Correction, DeadAttempt, DeadRecord, DeadResolution } from '../account/file-account.ts';
import { schemaVersion } from '../account/schema-version.ts';
import { letterDigest } from '../authenticity.ts';
import { alteredEntry, isCorrectionInDoubt, withEntry } from '../dead-letters/dead-history.ts';
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

/** A resolved record's outcome is in manifests, and does not change. */
export function noteAltered(dead: DeadRecord, altered: NonNullable<DeadAttempt['altered']>, now: number): ItemChange {
  return { when: [isDead], set: { history: withEntry(dead.history, alteredEntry(dead, altered, now)) } };
}

export function addFailure(
  history: readonly DeadAttempt[],
  attempt: DeadAttempt,
  failedMessageSentAt: number | undefined,
): ItemChange {
  return {
    when: [exists],
    set: { history: withEntry(history, attempt), outcome: attempt.outcome, failedMessageSentAt },
  };
}

/** Refused for an item of an earlier version, which did not count tries. */
export function noteSending(now: number): ItemChange {
  const isCounted: Check = {
    anyOf: [[{ name: 'sentSince', is: 'absent' }], [{ name: 'tries', is: 'present' }]],
  };
  return { when: [exists, isCounted], setOnce: { sentSince: now }, add: { tries: 1 } };
}

export function resolveDead(resolution: DeadResolution, now: number): ItemChange {
  const { kind } = resolution;
  const how: Partial<DeadRecord> =
    kind === 'handled'
      ? { resolvedBy: resolution.by, resolvedWhy: resolution.why }
      : {
          requestId: resolution.requestId,
          ...(resolution.correctionId === undefined ? {} : { resolvedCorrectionId: resolution.correctionId }),
          ...(resolution.answer === undefined ? {} : { resolvedSaid: resolution.answer }),
        };
  const end: Partial<DeadRecord> = { ...how, state: 'resolved', resolution: kind, resolvedAt: now };
  return { when: [isDead], set: { ...end, expiresAt: expiryOf(now) } };
}

/**
 * In place of the correction before it, if there is one. What that one may have stored is in the history first, since the
 * item names only the newest. Refused if another correction was begun meanwhile.
 */
export function beginCorrection(dead: DeadRecord, correction: Correction, now: number): ItemChange {
  const { correction: before, history } = dead;
  const isNewest: Check = before
    ? { name: 'correction.id', is: '=', value: before.id }
    : { name: 'correction', is: 'absent' };
  const error = 'another correction came before it was known what became of this one, which the API may have stored';
  const inDoubt = { at: now, outcome: 'exhausted' as const, reason: 'corrected_again', error, status: null };
  const noted =
    isCorrectionInDoubt(dead) && before ? withEntry(history, { ...inDoubt, correctionId: before.id }) : undefined;
  return { when: [isDead, isNewest], set: { correction, ...(noted ? { history: noted } : {}) } };
}
