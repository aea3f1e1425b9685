import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import type { ReleasedRecords } from '../../lambdas/core/account/stops.ts';
import { isQuarantined, isReleased } from '../../lambdas/core/account/stops.ts';
import type { ReleaseChoice } from '../../lambdas/core/series/release-choices.ts';
import { heldRevisionOf, releaseChoices } from '../../lambdas/core/series/release-choices.ts';
import { becauseOf } from './cancel-file.ts';
import { isWaitingForControl } from '../../lambdas/core/control/control-mail.ts';
import { continueMessageOf, reemitMessageOf } from '../../lambdas/intake-message.ts';
import type { StopPorts } from './stop-ports.ts';
import type { Who } from './who.ts';

export type ReleaseResult =
  /**
   * `repeated`: it was released before and is still in progress; the message is sent once more. `withoutControl`: it waited
   * for the control file of this name, and is sent without it; how many records it has is not known yet.
   */
  | { kind: 'released'; file: FileAccount; records: number; repeated: boolean; withoutControl?: string }
  /** Nothing was changed. `why`: a sentence for the person who asked. */
  | { kind: 'refused'; why: string };

/**
 * Answers a file's newest stop: the records that are held are sent, and only those. Repeatable: a command that was killed
 * can be run again.
 * @param sends what of a revision; a file that is held as one is not released without it
 */
export async function releaseFile(
  fileId: string,
  { by, why }: Who,
  ports: StopPorts,
  sends?: ReleasedRecords,
): Promise<ReleaseResult> {
  const before = await ports.ledger.getFile(fileId);
  if (!before) return { kind: 'refused', why: `There is no file ${fileId}.` };
  if (isWaitingForControl(before) || isGoingOn(before)) return releaseWaiting(before, { by, why }, ports);
  const repeated = before.state === 'split' && isReleased(before);
  if (!repeated && !mayBeReleased(before)) return { kind: 'refused', why: refusalOf(before) };
  const wrong = wrongAnswer(before, sends, repeated);
  if (wrong !== undefined) return { kind: 'refused', why: wrong };
  const intake = ports.intakeOf(before);
  const file = repeated ? before : await ports.ledger.releaseQuarantine(fileId, by, why, sends);
  if (!file) return { kind: 'refused', why: refusalOf((await ports.ledger.getFile(fileId)) ?? before) };
  await intake.send(reemitMessageOf(file), 0);
  return { kind: 'released', file, records: file.settled.held + unsentOf(file), repeated };
}

/** A file that waits for its control file is sent without it. */
async function releaseWaiting(before: FileAccount, { by, why }: Who, ports: StopPorts): Promise<ReleaseResult> {
  const { fileId } = before;
  const intake = ports.intakeOf(before);
  const repeated = isGoingOn(before);
  const file = repeated ? before : await ports.ledger.releaseWaiting(fileId, by, why);
  // Its control file has come meanwhile, or another person has decided.
  if (!file) return { kind: 'refused', why: refusalOf((await ports.ledger.getFile(fileId)) ?? before) };
  await intake.send(continueMessageOf(file), 0);
  return { kind: 'released', file, records: 0, repeated, withoutControl: file.control?.name ?? '' };
}

/** It was released before its control file came, and is not cut yet. */
const isGoingOn = (file: FileAccount): boolean =>
  file.state === 'splitting' && isReleased(file) && file.control?.state === 'not_compared';

/** Whether a release would send what is held of it. */
export function mayBeReleased(file: FileAccount): boolean {
  return isWaitingForControl(file) || (file.state === 'quarantined' && isQuarantined(file));
}

/** What a release of the file may send, one of which a person must choose; empty if it sends what is held. */
export function choicesOf(file: FileAccount): ReleaseChoice[] {
  const held = heldRevisionOf(file);
  return held ? releaseChoices(held) : [];
}

function wrongAnswer(file: FileAccount, sends: ReleasedRecords | undefined, repeated: boolean): string | undefined {
  const { fileId, quarantine, release } = file;
  if (repeated) {
    if (sends === undefined || sends === release?.sends) return undefined;
    return `${fileId} was released before, by ${release?.by}, and is in progress: what it sends can't be changed.`;
  }
  const choices = choicesOf(file);
  if (sends === undefined) {
    if (choices.length === 0) return undefined;
    const why = quarantine?.message ?? '';
    const texts = choices.map(({ sends: option, sent, then }) => `\n  --${option}: ${sent} ${then}`);
    return `${fileId} is a revision of a file that was sent: say what is sent of it. ${why}${texts.join('')}`;
  }
  if (choices.some((choice) => choice.sends === sends)) return undefined;
  if (choices.length > 0)
    return `${fileId} could not be compared, so what changed is not known. ${quarantine?.message}`;
  return `${fileId} is not held as a revision: release it without --${sends}.`;
}

function refusalOf(file: FileAccount): string {
  const { fileId, release, state } = file;
  const other = file.checkpoint?.otherHeader;
  if (other && !isQuarantined(file)) return `What is held of ${fileId} can't be released. ${other.message}`;
  if (file.supersededBy)
    return `${fileId} can't be released: the file ${file.supersededBy.fileId} of its series has come since. Drop ${fileId}'s file again if it is the right one.`;
  if (state === 'superseded') return `${fileId} can't be released: it is superseded.${becauseOf(file)}`;
  if (state === 'splitting' || (state === 'split' && isQuarantined(file))) {
    return isQuarantined(file)
      ? `${fileId} has just been stopped; release it after its manifest is written.`
      : `${fileId} is not stopped: there is nothing to release.`;
  }
  if (release) return `${fileId} was released before, by ${release.by}: ${release.why}`;
  return `${fileId} is not in quarantine (it is ${state}): there is nothing to release.`;
}

/** Records of batches that were never sent; the counts on the file's item have those that were sent and held. */
function unsentOf({ settled, totalRecords = 0, checkpoint }: FileAccount): number {
  const sendable = checkpoint?.otherHeader?.record ?? totalRecords;
  return Math.max(0, sendable - Object.values(settled).reduce((sum, count) => sum + count, 0));
}
