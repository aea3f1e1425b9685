import { signed } from '../../lambdas/core/authenticity.ts';
import { correctionMessage } from '../../lambdas/messages.ts';
import type { CorrectionMessage } from '../../lambdas/messages.ts';
import type { Clock, LetterQueue } from '../../lambdas/ports.ts';
import type { Who } from '../operate/who.ts';
import type { PlannedCorrection } from './plan-corrections.ts';

export interface SendPorts {
  lettersOf: (file: { feed: string; lane: string }) => Pick<LetterQueue, 'sendBack'>;
  clock: Pick<Clock, 'now'>;
  onProgress: (sent: number, total: number) => void;
}

const atOnce = 10;

/** Sends corrected rows to the letters queues of their files' lanes. Returns those that were sent. */
export async function sendCorrections(
  corrections: readonly PlannedCorrection[],
  who: Who,
  ports: SendPorts,
  signal: AbortSignal,
): Promise<PlannedCorrection[]> {
  const at = new Date(ports.clock.now()).toISOString();
  const sent: PlannedCorrection[] = [];
  const queue = corrections.values();
  const work = async (): Promise<void> => {
    for (const correction of queue) {
      if (signal.aborted) return;
      await ports.lettersOf(correction.file).sendBack(messageOf(correction, who, at), 0);
      sent.push(correction);
      ports.onProgress(sent.length, corrections.length);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return sent;
}

function messageOf(correction: PlannedCorrection, { by, why }: Who, at: string): CorrectionMessage {
  const { file, record, sha256, row, changes, correctionId, asNew } = correction;
  const message: CorrectionMessage = {
    v: 1,
    kind: 'correction',
    correction_id: correctionId,
    feed: file.feed,
    file_id: file.fileId,
    record,
    sha256,
    row,
    changed: changes.map(({ column }) => column),
    by,
    why,
    ...(asNew ? { as_new: true as const } : {}),
    at,
    failures: 0,
  };
  // Passed through JSON, so that the signed value is the one that arrives.
  return signed(correctionMessage.parse(JSON.parse(JSON.stringify(message))), file);
}
