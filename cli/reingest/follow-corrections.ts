import { failureText } from '../../lambdas/core/answers/failure-text.ts';
import { conflictReason } from '../../lambdas/core/answers/refusal.ts';
import type { DeadRecord } from '../../lambdas/core/account/file-account.ts';
import type { Clock, DeadLedger } from '../../lambdas/ports.ts';
import { formatCount } from '../terminal/format.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { PlannedCorrection } from './plan-corrections.ts';

/** The outcome of a corrected row. */
export type CorrectionEnd =
  /** `uploaded`: by this row. `resolved`: meanwhile, in another way. */
  | { kind: 'uploaded' | 'resolved' | 'waiting' }
  | { kind: 'rejected' | 'refused' | 'exhausted' | 'conflict'; reason: string; error: string };

export interface EndedCorrection {
  correction: PlannedCorrection;
  end: CorrectionEnd;
}

export interface FollowCorrectionsPorts {
  ledger: Pick<DeadLedger, 'listDead'>;
  /** All messages in the letters queues. */
  queued: () => Promise<number>;
  clock: Clock;
  terminal: Pick<Terminal, 'progress'>;
}

const pollEveryMs = 1_000;
const recordsPerMs = 1;
/** SQS's counts are approximate: a queue counts as empty after this long at zero. */
const quietMs = 30_000;

/** Waits until each of them has ended or the signal fires; those that have not are `waiting`. */
export async function followCorrections(
  corrections: readonly PlannedCorrection[],
  ports: FollowCorrectionsPorts,
  signal: AbortSignal,
): Promise<EndedCorrection[]> {
  const { clock, terminal } = ports;
  let emptySince: number | undefined;
  for (;;) {
    const queued = await ports.queued();
    const ended = await look(corrections, ports.ledger);
    const waiting = ended.filter(({ end }) => end.kind === 'waiting').length;
    const now = clock.now();
    if (queued > 0) emptySince = undefined;
    else emptySince ??= now;
    const isQuiet = emptySince !== undefined && now - emptySince >= quietMs;
    if (waiting === 0 || isQuiet || signal.aborted) return ended;
    const uploaded = ended.filter(({ end }) => end.kind === 'uploaded').length;
    terminal.progress(
      'corrections',
      `corrected rows  uploaded ${formatCount(uploaded)}, waiting ${formatCount(waiting)} of ${formatCount(ended.length)}`,
    );
    await clock.sleep(Math.max(pollEveryMs, corrections.length / recordsPerMs), signal);
  }
}

async function look(
  corrections: readonly PlannedCorrection[],
  ledger: Pick<DeadLedger, 'listDead'>,
): Promise<EndedCorrection[]> {
  const ended: EndedCorrection[] = [];
  for (const [fileId, ofFile] of Map.groupBy(corrections, ({ file }) => file.fileId)) {
    const wanted = new Map(ofFile.map((correction) => [correction.record, correction]));
    for await (const dead of ledger.listDead(fileId)) {
      const correction = wanted.get(dead.record);
      if (correction) ended.push({ correction, end: endOf(dead, correction.correctionId) });
    }
  }
  return ended.sort((a, b) => a.correction.line - b.correction.line);
}

function endOf(dead: DeadRecord, correctionId: string): CorrectionEnd {
  if (dead.state === 'resolved') return { kind: dead.resolvedCorrectionId === correctionId ? 'uploaded' : 'resolved' };
  const failure = dead.history.findLast((attempt) => attempt.correctionId === correctionId);
  if (!failure) return { kind: 'waiting' };
  const { outcome, reason } = failure;
  return { kind: reason === conflictReason ? 'conflict' : outcome, reason, error: failureText(failure) };
}
