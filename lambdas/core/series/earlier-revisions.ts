import type { FileAccount } from '../account/file-account.ts';
import { isOpen } from '../account/file-account.ts';
import type { Quarantine } from '../account/stops.ts';
import { isQuarantined } from '../account/stops.ts';
import { revisionStops } from './revision-guard.ts';
import type { RevisionPlace } from './revision-order.ts';
import { compareRevisions } from './revision-order.ts';

/** A file that has entered its series. */
export interface KnownRevision extends RevisionPlace {
  fileId: string;
  sha256: string;
}

/** What a newer revision is judged by: those that entered before it, and the newest of them that may have been sent. */
export interface EarlierRevisions {
  earlier: readonly KnownRevision[];
  before: KnownRevision;
}

/** Revisions that a series remembers, unless more of them are in progress. */
export const maxKnownRevisions = 50;
/** In any case: keys have up to 1 KB, and DynamoDB items up to 400 KB. */
export const mostKnownRevisions = 250;

/**
 * What a file's place in its series means for it.
 *
 * - `first`: nothing of another revision may have been sent
 * - `duplicate`: the API has these bytes, and nothing newer
 * - `again`: it belongs to no configured series, and an earlier file under the same key may have been sent
 * - `newer`: only what changed may be sent, if that can be known
 * - `held`: a person must decide
 * - `older`: a newer revision came first
 */
export type SeriesEntry =
  | { kind: 'first' }
  | { kind: 'duplicate'; of: string }
  | { kind: 'again'; warning: { code: string; message: string } }
  | { kind: 'newer'; before: KnownRevision }
  | { kind: 'held'; quarantine: Quarantine }
  | { kind: 'older'; failure: { code: string; message: string } };

/**
 * @param before the newest revision with other bytes that entered the series before this one and that may have been sent
 * @param setting the name of the setting that holds the series' pattern; undefined if the file belongs to a series
 */
export function entryAfter(
  own: RevisionPlace,
  before: KnownRevision | undefined,
  setting: string | undefined,
  nowMs: number,
): SeriesEntry {
  if (!before) return { kind: 'first' };
  const { fileId } = before;
  if (setting !== undefined) {
    const message =
      `The file ${fileId} was dropped under the same key before, with other bytes. All records of this file are sent as ` +
      `new ones, so an API that keeps the earlier ones has them twice. Set ${setting} to a pattern that matches this key: ` +
      'then only what changed is sent.';
    return { kind: 'again', warning: { code: 'key_dropped_again', message } };
  }
  switch (compareRevisions(own, before)) {
    case 'older': {
      const message = `A newer revision of the same series, the file ${fileId}, came first. Nothing of this file was sent.`;
      return { kind: 'older', failure: { code: 'older_revision', message } };
    }
    case 'tie':
      return {
        kind: 'held',
        quarantine: heldRevision(
          'revision_order',
          `Nothing shows whether this file or the file ${fileId}, of the same series, is the newer revision.`,
          nowMs,
        ),
      };
    case 'newer':
      return { kind: 'newer', before };
  }
}

/** A newer revision that can't be compared. @param why in a sentence */
export const unknownRevision = (before: string, why: string, nowMs: number): Quarantine =>
  heldRevision(
    'revision_unknown',
    `This file is a newer revision of the file ${before}, which was sent. ${why} Its records would be sent as new ones, so ` +
      'those that both files have would be there twice.',
    nowMs,
  );

/** The feed's rules have changed since the revision was compared: what is left of it would be planned otherwise. */
export const changedRules = (nowMs: number): Quarantine => ({
  at: nowMs,
  code: 'rules_changed',
  rejected: 0,
  seen: 0,
  message:
    "The feed's rules have changed since this revision was compared with the earlier one, so the rest of it may compare " +
    'otherwise. What was not sent yet is held.',
});

function heldRevision(code: NonNullable<Quarantine['code']>, why: string, nowMs: number): Quarantine {
  return { at: nowMs, code, rejected: 0, seen: 0, message: `${why} None of its records was sent.` };
}

/** A quarantine that began before the file's first record was sent. */
export const isRevisionStop = (quarantine: Quarantine | undefined): boolean =>
  quarantine?.code !== undefined && revisionStops.includes(quarantine.code);

/** Whether a release must say what it sends: the changes, or all. */
export const needsAnswer = (quarantine: Quarantine | undefined): boolean =>
  wasHeldAsRevision(quarantine) || quarantine?.code === 'rules_changed';

/** The same, also if a person has cancelled the file since. */
export const wasHeldAsRevision = (quarantine: Quarantine | undefined): boolean =>
  isRevisionStop(quarantine) || quarantine?.isRevision === true;

/** Whether a record of the file has been sent, may have been, or still may be. @param file undefined if it is forgotten */
export function mayHaveBeenSent(file: FileAccount | undefined): boolean {
  if (!file) return true;
  const { settled, quarantine, revision, state } = file;
  if (isOpen(file) && !(isQuarantined(file) && isRevisionStop(quarantine))) return true;
  // Even if it has no records: what it no longer has, a person may have removed.
  if (state === 'completed' && revision?.taken) return true;
  // Exhausted or refused: a request may have been stored although its answer says otherwise.
  const requested = settled.uploaded + settled.duplicate + settled.refused + settled.exhausted;
  if (requested + (settled.unchanged ?? 0) > 0) return true;
  // A letter or a correction of it was sent.
  return file.lastResolvedAt !== undefined || file.tryingUntil !== undefined;
}

/**
 * Whether a file has the bytes of an older revision: one that may have been sent came after it. Then the request ids of those
 * bytes are used up, and the API would drop what changes it back.
 * @param sent the other revisions that may have been sent
 */
export function repeatsOlder(
  own: KnownRevision,
  earlier: readonly KnownRevision[],
  sent: readonly KnownRevision[],
): boolean {
  const same = earlier.filter(({ sha256 }) => sha256 === own.sha256);
  const others = sent.filter(({ sha256 }) => sha256 !== own.sha256);
  return same.some((each) => others.some((other) => compareRevisions(other, each) !== 'older'));
}

/** Of several, the one that is newer than the others; of equal ones, the last. */
export function newestOf(revisions: readonly KnownRevision[]): KnownRevision | undefined {
  return revisions.reduceRight<KnownRevision | undefined>(
    (newest, each) => (newest && compareRevisions(each, newest) !== 'newer' ? newest : each),
    undefined,
  );
}
