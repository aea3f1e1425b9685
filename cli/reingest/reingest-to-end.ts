import type { Amendment, AmendmentPorts } from '../dlq/await-amendment.ts';
import { amendmentsOf } from '../dlq/amendments-of.ts';
import type { QueueAccess } from '../../lambdas/adapters/queue-access.ts';
import { totalOf } from '../../lambdas/adapters/queue-access.ts';
import type { Who } from '../operate/who.ts';
import type { RemovePorts } from '../dlq/remove-resolved.ts';
import { removeResolved } from '../dlq/remove-resolved.ts';
import { recordKey } from '../dlq/select-dead.ts';
import type { StackOutputs } from '../stack/stack-outputs.ts';
import { formatCount } from '../terminal/format.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { Clock } from '../../lambdas/ports.ts';
import type { EndedCorrection, FollowCorrectionsPorts } from './follow-corrections.ts';
import { followCorrections } from './follow-corrections.ts';
import type { PlannedCorrection } from './plan-corrections.ts';
import type { SendPorts } from './send-corrections.ts';
import { sendCorrections } from './send-corrections.ts';

export interface ReingestPorts {
  ledger: AmendmentPorts['ledger'] & FollowCorrectionsPorts['ledger'] & RemovePorts['ledger'];
  readSummary: AmendmentPorts['readSummary'];
  lettersOf: SendPorts['lettersOf'];
  queues: QueueAccess;
  outputs: Pick<StackOutputs, 'lettersQueueUrl' | 'redrivePaths'>;
  clock: Clock;
  terminal: Pick<Terminal, 'progress'>;
}

export interface ReingestEnd {
  ended: EndedCorrection[];
  amendments: Amendment[];
}

/** Whether the record needs no further correction. */
export const isSettled = ({ end }: EndedCorrection): boolean => end.kind === 'uploaded' || end.kind === 'resolved';

/**
 * Sends corrected rows and follows them until each has ended and their files' manifests include the outcome, or until the
 * signal fires.
 */
export async function reingestToEnd(
  corrections: readonly PlannedCorrection[],
  who: Who,
  ports: ReingestPorts,
  signal: AbortSignal,
): Promise<ReingestEnd> {
  const { outputs, queues, terminal } = ports;
  const onProgress = (sent: number, total: number): void =>
    terminal.progress('send', `sending corrected rows  ${formatCount(sent)} of ${formatCount(total)}`);
  const sent = await sendCorrections(corrections, who, { ...ports, onProgress }, signal);
  const urls = new Set(sent.map(({ file }) => outputs.lettersQueueUrl(file.feed, file.lane)));
  const queued = async (): Promise<number> => {
    const counts = await Promise.all([...urls].map((url) => queues.count(url)));
    return counts.reduce((sum, count) => sum + totalOf(count), 0);
  };
  const ended = await followCorrections(sent, { ...ports, queued }, signal);
  const settled = ended.filter(isSettled);
  await removeLetters(settled, ports, signal);
  const fileIds = [...new Set(settled.map(({ correction }) => correction.file.fileId))];
  return { ended, amendments: await amendmentsOf(fileIds, ports, terminal, signal) };
}

/** Letters of resolved records are no longer needed. */
async function removeLetters(settled: readonly EndedCorrection[], ports: ReingestPorts, signal: AbortSignal) {
  const feeds = new Set(settled.map(({ correction }) => correction.file.feed));
  const dlqUrls = [...feeds].flatMap((feed) => ports.outputs.redrivePaths(feed, 'letters').map(({ dlqUrl }) => dlqUrl));
  const keys = new Set(settled.map(({ correction: { file, record } }) => recordKey(file.fileId, record)));
  await removeResolved(keys, { ...ports, dlqUrls }, signal);
}
