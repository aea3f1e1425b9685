import type { FileAccount } from '../core/account/file-account.ts';
import { jitterMarginMs, slotSpacingMs } from '../core/limiter/limiter.ts';
import type { Deadline } from '../runtime/deadline.ts';
import type { ConsumerPorts } from './consumer-ports.ts';
import type { SendEnd, SendJournal, Sendable, Verdict } from './sendable.ts';
import { RecordSender } from './send-records.ts';
import { SlotPacer } from './slot-pacer.ts';

export interface PacedSending {
  journal: SendJournal;
  deadline: Deadline;
  connections: number;
  /** See `SenderOptions`. */
  mayFlush: boolean;
  hasFailed: boolean;
  othersPassed: boolean;
  onVerdict: (sendable: Sendable, verdict: Verdict) => void;
  /** Awaited shortly before each request. If it resolves with false, nothing more is sent. */
  beforeRequest?: () => Promise<boolean>;
  /** Resolves once the file is stopped; undefined when the signal has ended it. Absent: nothing stops it. */
  whenStopped?: (signal: AbortSignal) => Promise<FileAccount | undefined>;
}

/** Sends records of one file, at least one, at the limiter's pace. */
export async function sendPaced(sendables: Sendable[], ports: ConsumerPorts, sending: PacedSending): Promise<SendEnd> {
  const { limiter, clock, limit, rate } = ports;
  const { journal, deadline, connections, beforeRequest } = sending;
  const abort = new AbortController();
  const pacer: SlotPacer = new SlotPacer({
    ...{ limiter, clock, connections, deadline, latency: rate.latency },
    spacingMs: slotSpacingMs(limit),
    marginMs: jitterMarginMs(limit),
    windowMs: limit.windowSeconds * 1000,
    demand: () => sender.demand(),
    prober: () => ({ ...sender.prober(), file: sendables[0]?.origin.fileId ?? '' }),
    onWait: () => journal.keepAlive(),
    ...(beforeRequest && {
      beforeRequest: async () => {
        if (!(await beforeRequest())) abort.abort();
      },
    }),
    signal: abort.signal,
  });
  const sender: RecordSender = new RecordSender({ ...ports, ...sending, pacer, signal: abort.signal });
  void sending.whenStopped?.(abort.signal).then((file) => {
    if (!file) return;
    sender.stop({ kind: 'file-stopped', file });
    // No connection waits for a slot any more; requests in flight have limits of their own.
    abort.abort();
  });
  try {
    return await sender.send(sendables);
  } finally {
    abort.abort();
  }
}
