import { isCancelled } from '../core/account/quarantine.ts';
import type { PauseEvidence } from '../core/limiter/pause-evidence.ts';
import type { SinkRequest } from '../ports.ts';
import type { Deadline } from '../runtime/deadline.ts';
import type { ConsumerPorts } from './consumer-ports.ts';
import { sendPaced } from './send-paced.ts';
import type { SendJournal, Verdict } from './sendable.ts';
import { watchForStop } from './watch-for-stop.ts';

/**
 * How the sending of a single record ended. `waiting`: it did not get its turn, and has not failed. `over`: it was not to be
 * sent any more. `wasOnlyNoted`: that it may have been sent was noted, and the API has nothing of it. `notBeforeMs`: it must not be sent again before then (see `SendEnd`).
 */
export type OneEnd =
  | { kind: 'verdict'; verdict: Verdict }
  | { kind: 'failed'; reason: string; status: number | null; answer?: string; notBeforeMs: number | undefined }
  | { kind: 'over' }
  | { kind: 'waiting'; untilMs: number | undefined; wasOnlyNoted: boolean };

/**
 * Sends one record at the limiter's pace. It may wait for its turn for minutes: if its file is cancelled meanwhile, it is not
 * sent. From its first request on, it is sent to its end, since only the API knows whether it has it.
 * @param mayHaveBeenSent an earlier request may have stored it
 * @param note called once, shortly before the first request: notes that it may have been sent. False: it must not be sent
 * @param pauses evidence from earlier pauses that the API asked for
 */
export async function sendOne(
  record: SinkRequest,
  mayHaveBeenSent: boolean,
  ports: ConsumerPorts,
  deadline: Deadline,
  note: () => Promise<boolean>,
  pauses?: PauseEvidence,
): Promise<OneEnd> {
  const verdicts: Verdict[] = [];
  let noted: boolean | undefined;
  const begun = new AbortController();
  const end = await sendPaced([{ place: 0, ...record, leader: undefined, pauses }], ports, {
    journal: journalOfOne(mayHaveBeenSent, () => begun.abort()),
    deadline,
    connections: 1,
    mayFlush: false,
    hasFailed: mayHaveBeenSent,
    othersPassed: false,
    onVerdict: (_, verdict) => void verdicts.push(verdict),
    beforeRequest: async () => (noted ??= await note()),
    whenStopped: (ended) =>
      watchForStop(record.origin.fileId, ports, AbortSignal.any([ended, begun.signal]), isCancelled),
  });
  const [verdict] = verdicts;
  if (verdict) return { kind: 'verdict', verdict };
  const [parked] = end.parked;
  const { ambiguousUntilMs } = end;
  if (parked) {
    const { reason, status, answer } = parked;
    // And not before the time that the API asked for.
    const notBeforeMs = latest(ambiguousUntilMs, end.pauses.get(0)?.untilMs);
    return { kind: 'failed', reason, status, ...(answer === undefined ? {} : { answer }), notBeforeMs };
  }
  if (noted === false) return { kind: 'over' };
  const pausedUntilMs = end.stopped?.kind === 'paused' ? end.stopped.untilMs : undefined;
  const wasOnlyNoted = noted === true && ambiguousUntilMs === undefined;
  return { kind: 'waiting', untilMs: latest(pausedUntilMs, ambiguousUntilMs), wasOnlyNoted };
}

/** What is known of the record is kept in its letter. */
function journalOfOne(mayHaveBeenSent: boolean, sending: () => void): SendJournal {
  return {
    get: () => undefined,
    mayHaveBeenSent: () => mayHaveBeenSent,
    allow: () => undefined,
    close: () => undefined,
    sending,
    keepAlive: () => undefined,
  };
}

function latest(...times: (number | undefined)[]): number | undefined {
  const latestMs = Math.max(...times.map((time) => time ?? -Infinity));
  return Number.isFinite(latestMs) ? latestMs : undefined;
}
