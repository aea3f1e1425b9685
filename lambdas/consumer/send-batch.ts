import { isAbandoned, isStopped } from '../core/account/quarantine.ts';
import { pausesOf } from '../core/limiter/pause-evidence.ts';
import type { Deadline } from '../runtime/deadline.ts';
import type { BatchAttempt } from './batch-attempt.ts';
import { endByVerdict } from './end-records.ts';
import { sendPaced } from './send-paced.ts';
import type { SendEnd, Sendable } from './sendable.ts';
import { watchForStop } from './watch-for-stop.ts';
import { sinkRequestOf } from './sink-request.ts';

/** For a batch that sent nothing. */
const noSending = { stopped: undefined, requests: 0, waitedMs: 0, requestedMs: 0, ambiguousUntilMs: undefined };

/** Sends the batch's good records that have not ended, as far as time and the API allow. */
export async function sendBatch(attempt: BatchAttempt, deadline: Deadline): Promise<SendEnd> {
  const { ports, journal } = attempt;
  const sendables = sendablesOf(attempt);
  // Of a file that was stopped before, what may have been sent goes on, unless a newer revision goes on without the file.
  const stopsNow = isStopped(attempt.file) ? isAbandoned : isStopped;
  if (sendables.length === 0) return { ...noSending, parked: [], pauses: new Map(), tried: new Set() };
  // Read before the first slot is leased, since the slot would pass meanwhile; a fault surfaces when the sink reads the
  // token.
  await ports.tokens.token().catch(() => undefined);
  const end = await sendPaced(sendables, ports, {
    journal,
    deadline,
    connections: ports.connections,
    // Of a stopped file, only records that the API must decide about are left.
    mayFlush: !isStopped(attempt.file),
    hasFailed: attempt.message.failures > 0,
    othersPassed: attempt.hasUploaded(),
    onVerdict: ({ place }, verdict) => endByVerdict(attempt, place, verdict),
    whenStopped: (signal) => watchForStop(attempt.file.fileId, ports, signal, stopsNow),
  });
  // Near 100, the rate limit determines the file's speed; near 0, the API's latency and the number of connections do.
  const wholeMs = end.waitedMs + end.requestedMs;
  if (wholeMs > 0) ports.metrics.add('SlotWaitShare', (100 * end.waitedMs) / wholeMs);
  return end;
}

function sendablesOf({ records, plans, journal, message, file, firstPlaceOf }: BatchAttempt): Sendable[] {
  const pauses = pausesOf(message.pauses);
  return records.flatMap((record, place) => {
    const { result } = record;
    if (result.kind !== 'good' || journal.get(place)) return [];
    const first = firstPlaceOf.get(result.requestId);
    const leader = first === place ? undefined : first;
    return [
      { place, ...sinkRequestOf(record, result, file, plans[place]?.earlier), leader, pauses: pauses.get(place) },
    ];
  });
}
