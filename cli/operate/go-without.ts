import { finalizeMessageOf } from '../../lambdas/ask-finalizer.ts';
import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import { isOpen } from '../../lambdas/core/account/file-account.ts';
import type { WithoutObstacle } from '../../lambdas/core/series/go-without.ts';
import { continueMessageOf, reemitMessageOf } from '../../lambdas/intake-message.ts';
import { isHeldRevision } from './release-options.ts';
import type { StopPorts } from './stop-ports.ts';
import type { Who } from './who.ts';

export type WithoutResult =
  /** `repeated`: it was decided before; the messages are sent once more. */
  | { kind: 'going-on'; file: FileAccount; earlier: FileAccount; repeated: boolean }
  /** Nothing was changed. `why`: a sentence for the person who asked. */
  | { kind: 'refused'; why: string };

/** An earlier revision of which nothing is on its way is closed by then. */
const closedAfterSeconds = 5;

/**
 * Lets a revision go on without an earlier one that does not close: nothing more of that is sent, and what may have been sent
 * of it is in doubt. Repeatable: a command that was killed can be run again.
 */
export async function goWithout(fileId: string, earlierId: string, who: Who, ports: StopPorts): Promise<WithoutResult> {
  const { ledger, finalize } = ports;
  const known = await Promise.all([fileId, earlierId].map((each) => ledger.getFile(each)));
  const [intake, intakeOfEarlier] = known.map((file) => file && ports.intakeOf(file));
  const end = await ledger.goWithout(fileId, earlierId, who);
  if (end.kind === 'refused') return { kind: 'refused', why: sentenceOf(fileId, earlierId, end.obstacle, known) };
  const { newer: file, earlier, repeated } = end;
  if (earlier.state === 'splitting') await intakeOfEarlier?.send(continueMessageOf(earlier), 0);
  // Batches of it may be lost; if there are none, it asks the finalizer.
  if (isOpen(earlier)) await intakeOfEarlier?.send(reemitMessageOf(earlier), 0);
  else await finalize.send(finalizeMessageOf(earlier, true), 0);
  // A released one looks by itself, every 30 seconds. Before the other is closed, looking would have no effect.
  if (file.state === 'splitting') await intake?.send(continueMessageOf(file), closedAfterSeconds);
  return { kind: 'going-on', file, earlier, repeated };
}

export function sentenceOf(
  fileId: string,
  earlierId: string,
  obstacle: WithoutObstacle,
  [file, earlier]: readonly (FileAccount | undefined)[],
): string {
  switch (obstacle) {
    case 'unknown':
      return `There is no file ${fileId}.`;
    case 'unknown_earlier':
      return `There is no file ${earlierId}.`;
    case 'not_waiting':
      return `${fileId} does not wait for an earlier revision (it is ${file?.state}).${heldText(file)}`;
    case 'not_earlier':
      return `${earlierId} is not an earlier revision of ${fileId}: ${fileId} does not wait for it.`;
    case 'earlier_closed':
      return `${earlierId} is closed (${earlier?.state}): ${fileId} does not wait for it${
        file?.state === 'quarantined' ? '. Release it without --without.' : ' any more, and goes on by itself.'
      }`;
  }
}

const heldText = (file: FileAccount | undefined): string =>
  file && isHeldRevision(file) ? ' It is held: also say with --changes or --all what is sent of it.' : '';
