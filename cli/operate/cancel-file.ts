import { finalizeMessageOf } from '../../lambdas/ask-finalizer.ts';
import { continueMessageOf } from '../../lambdas/intake-message.ts';
import { decisionsOf } from '../../lambdas/core/account/decisions.ts';
import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import { waitingPlaceText } from '../../lambdas/core/account/waiting-place.ts';
import type { CancelObstacle } from '../../lambdas/core/account/quarantine.ts';
import type { StopPorts } from './stop-ports.ts';
import type { Who } from './who.ts';

export type CancelResult =
  /** `repeated`: the same person had cancelled it for the same reason, and the messages are sent once more. */
  | { kind: 'cancelled'; file: FileAccount; repeated: boolean }
  /** Nothing was changed. `why`: a sentence for the person who asked. */
  | { kind: 'refused'; why: string };

/**
 * Stops a file that is in progress: what was not sent yet is held, and consumers stop within 30 seconds. Repeatable: a
 * command that was killed can be run again.
 */
export async function cancelFile(fileId: string, who: Who, ports: StopPorts): Promise<CancelResult> {
  const known = await ports.ledger.getFile(fileId);
  if (!known) return { kind: 'refused', why: `There is no file ${fileId}.` };
  const intake = known.bundleId === undefined ? ports.intakeOf(known) : undefined;
  const end = await ports.ledger.cancelFile(fileId, who);
  if (end.kind === 'unknown') return { kind: 'refused', why: `There is no file ${fileId}.` };
  const { file } = end;
  const isStopped = end.kind === 'cancelled' || end.obstacle.kind === 'stopped';
  if (isStopped && file.state === 'splitting') {
    // A splitter that is held back cuts the rest at once; one that is at work sees the stop at its next checkpoint.
    await intake?.send(continueMessageOf(file), 0);
  } else if (isStopped) {
    await ports.finalize.send(finalizeMessageOf(file, false), 0);
  }
  if (end.kind === 'cancelled') return { kind: 'cancelled', file, repeated: false };
  if (end.obstacle.kind === 'stopped' && isSame(file, who)) return { kind: 'cancelled', file, repeated: true };
  const isWaiting = end.obstacle.kind === 'member' && !(await ports.ledger.getFile(end.obstacle.bundleId));
  return { kind: 'refused', why: isWaiting ? waitingPlaceText(file) : sentenceOf(file, end.obstacle) };
}

function isSame(file: FileAccount, { by, why }: Who): boolean {
  const newest = decisionsOf(file).at(-1);
  return newest?.kind === 'cancel' && newest.by === by && newest.why === why;
}

/** Why a file can't be cancelled. */
function sentenceOf(file: FileAccount, obstacle: CancelObstacle): string {
  const { fileId, state } = file;
  switch (obstacle.kind) {
    case 'member':
      return `${fileId} is one of the small files in the bundle ${obstacle.bundleId}: only the whole bundle can be cancelled.`;
    case 'stopped':
      return `${fileId} is stopped already, and nothing more of it is sent. ${obstacle.quarantine.message}`;
    case 'closing':
      return `${fileId} can't be cancelled: every record of it has been processed, and its manifest is being written.`;
    case 'closed':
      return `${fileId} can't be cancelled: ${closedTexts[state]}${state === 'superseded' ? becauseOf(file) : ''}`;
  }
}

/** A file is superseded by another upload under its key, or by a newer revision. */
export const becauseOf = ({ failure }: FileAccount): string => (failure ? ` ${failure.message}` : '');

const nothingSent = 'nothing of it was sent, and nothing will be.';
const closedTexts: Record<FileAccount['state'], string> = {
  completed: 'it is completed, and every record of it has been processed.',
  duplicate: `it is a duplicate of another file; ${nothingSent}`,
  failed: `it failed; ${nothingSent}`,
  superseded: 'it is superseded; nothing more of it is sent.',
  quarantined: 'it is stopped and closed already; nothing more of it is sent.',
  splitting: 'it is in progress.',
  split: 'it is in progress.',
  bundled: 'it is part of a bundle.',
};
