import type { DeadAttempt, DeadRecord } from '../account/file-account.ts';
import { canonicalJson } from '../canonical-json.ts';

/** Attempts kept in a dead record's history; the oldest are dropped. */
const maxHistory = 50;

/** Altered letters kept among them: many of them must not displace the attempts. */
const maxAltered = 5;

/** The word for an altered letter in histories, in lists and for the desk. */
export const alteredReason = 'altered';

type History = readonly DeadAttempt[];

/** The history with one more entry. If an altered letter is seen again, the entry replaces its previous one. */
export function withEntry(history: History, entry: DeadAttempt): DeadAttempt[] {
  if (!entry.altered) return [...history, entry].slice(-maxHistory);
  const { sha256 } = entry.altered;
  const others = history.filter(({ altered }) => altered?.sha256 !== sha256);
  const oldest = others.filter(({ altered }) => altered).slice(0, -(maxAltered - 1));
  return [...others.filter((each) => !oldest.includes(each)), entry];
}

/** Whether this receive of an altered letter is in the history. */
export function hasAltered(history: History, { sha256, sentAt }: NonNullable<DeadAttempt['altered']>): boolean {
  return history.some(({ altered }) => altered?.sha256 === sha256 && altered.sentAt === sentAt);
}

/** Whether this very attempt is in the history. */
export function hasAttempt({ history }: Pick<DeadRecord, 'history'>, attempt: DeadAttempt): boolean {
  return history.some((each) => canonicalJson(each) === canonicalJson(attempt));
}

/** The real attempts, without entries of altered letters. */
export function attemptsIn({ history }: Pick<DeadRecord, 'history'>): DeadAttempt[] {
  return history.filter(({ altered }) => !altered);
}

/** The history entry of an altered letter. Its outcome is the record's previous one: nothing was tried. */
export function alteredEntry(
  { outcome }: Pick<DeadRecord, 'outcome'>,
  altered: NonNullable<DeadAttempt['altered']>,
  at: number,
): DeadAttempt {
  const error = 'an altered letter came back for this record; it was not tried, and is in the DLQ again';
  return { at, outcome, reason: alteredReason, error, status: null, altered };
}

/** Why a letter or a correction was not sent whose file a person has cancelled: the record keeps its outcome. */
export const cancelledReason = 'file_cancelled';

/** A request was made in this attempt. One that ended without says nothing about a try before it. */
const wasSent = ({ outcome, reason, status, requestId }: DeadAttempt): boolean =>
  status !== null || requestId !== undefined || (outcome === 'exhausted' && reason !== cancelledReason);

/** The newest correction may have been sent, and nothing says how it ended: the API may have stored it. */
function isCorrectionInDoubt({ correction, history }: Pick<DeadRecord, 'correction' | 'history'>): boolean {
  if (!correction || correction.isUnsent) return false;
  return !history.some((each) => each.correctionId === correction.id && wasSent(each));
}

/** A redrive has begun to send the record, and nothing says how it ended: the API may have stored it. */
function isRedriveInDoubt({ sentSince, tries, ...dead }: DeadRecord): boolean {
  if (sentSince === undefined) return false;
  // The first one is that of the file's own batch.
  const redrives = attemptsIn(dead).filter(({ correctionId }, nth) => nth > 0 && correctionId === undefined);
  const ended = redrives.filter(wasSent);
  return tries === undefined || tries > ended.length;
}

/** What may have been stored without a trace: a consumer that was killed has noted only that it began. */
export function inDoubt(dead: DeadRecord, why: Pick<DeadAttempt, 'at' | 'reason' | 'error'>): DeadAttempt[] {
  const { correction, triedId } = dead;
  const attempt = { ...why, outcome: 'exhausted' as const, status: null };
  const withId = (requestId: string | undefined) => (requestId === undefined ? {} : { requestId });
  return [
    ...(isRedriveInDoubt(dead) ? [{ ...attempt, ...withId(triedId) }] : []),
    ...(correction && isCorrectionInDoubt(dead)
      ? [{ ...attempt, correctionId: correction.id, ...withId(correction.requestId) }]
      : []),
  ];
}
