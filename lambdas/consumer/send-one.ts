import { jitterMarginMs, slotSpacingMs } from '../core/limiter/limiter.ts';
import type { PauseEvidence } from '../core/limiter/pause-evidence.ts';
import type { SinkRequest } from '../ports.ts';
import type { Deadline } from '../runtime/deadline.ts';
import type { ConsumerPorts } from './deliver-batch.ts';
import type { SendEnd, SendJournal, Verdict } from './send-records.ts';
import { RecordSender } from './send-records.ts';
import { SlotPacer } from './slot-pacer.ts';

/**
 * How the sending of a single record ended. `waiting`: it did not get its turn, and has not failed. `notBeforeMs`: it must
 * not be sent again before then (see `SendEnd`).
 */
export type OneEnd =
  | { kind: 'verdict'; verdict: Verdict }
  | { kind: 'failed'; reason: string; status: number | null; notBeforeMs: number | undefined }
  | { kind: 'waiting'; untilMs: number | undefined };

/**
 * Sends one record at the limiter's pace.
 * @param mayHaveBeenSent an earlier request may have stored it
 * @param pauses evidence from earlier pauses that the API asked for
 */
export async function sendOne(
  record: SinkRequest,
  mayHaveBeenSent: boolean,
  ports: ConsumerPorts,
  deadline: Deadline,
  pauses?: PauseEvidence,
): Promise<OneEnd> {
  const abort = new AbortController();
  const pacer: SlotPacer = new SlotPacer({
    limiter: ports.limiter,
    clock: ports.clock,
    connections: 1,
    spacingMs: slotSpacingMs(ports.limit),
    marginMs: jitterMarginMs(ports.limit),
    windowMs: ports.limit.windowSeconds * 1000,
    demand: () => sender.demand(),
    prober: () => ({ isSuspect: sender.hasOnlySuspects(), file: record.origin.fileId }),
    onWait: () => undefined,
    deadline,
    signal: abort.signal,
  });
  const journal: SendJournal = {
    get: () => undefined,
    mayHaveBeenSent: () => mayHaveBeenSent,
    allow: () => Promise.resolve(),
    close: () => undefined,
    sending: () => undefined,
    keepAlive: () => undefined,
  };
  const verdicts: Verdict[] = [];
  const sender: RecordSender = new RecordSender(
    { ...ports, connections: 1, mayFlush: false, hasFailed: mayHaveBeenSent, othersPassed: false },
    journal,
    pacer,
    deadline,
    abort.signal,
    (_, verdict) => void verdicts.push(verdict),
  );
  const end: SendEnd = await sender
    .send([{ place: 0, ...record, leader: undefined, pauses }])
    .finally(() => abort.abort());
  const [verdict] = verdicts;
  if (verdict) return { kind: 'verdict', verdict };
  const [parked] = end.parked;
  const { ambiguousUntilMs } = end;
  // And not before the time that the API asked for.
  const notBeforeMs = Math.max(ambiguousUntilMs ?? -Infinity, end.pauses.get(0)?.untilMs ?? -Infinity);
  const untilMs = Number.isFinite(notBeforeMs) ? notBeforeMs : undefined;
  if (parked) return { kind: 'failed', reason: parked.reason, status: parked.status, notBeforeMs: untilMs };
  const pausedUntilMs = end.stopped?.kind === 'paused' ? end.stopped.untilMs : undefined;
  const until = Math.max(pausedUntilMs ?? -Infinity, ambiguousUntilMs ?? -Infinity);
  return { kind: 'waiting', untilMs: Number.isFinite(until) ? until : undefined };
}
