import type { Clock, Sink } from '../ports.ts';
import type { Deadline } from '../runtime/deadline.ts';
import type { BreakerPorts } from './breaker-watch.ts';
import type { Sendable, SendJournal, Verdict } from './sendable.ts';
import type { SlotPacer } from './slot-pacer.ts';

export interface SenderOptions extends BreakerPorts {
  /** Others of the batch were delivered in earlier attempts. */
  othersPassed: boolean;
  sink: Sink;
  clock: Clock;
  /** Requests at a time, at most. */
  connections: number;
  random: () => number;
  journal: SendJournal;
  pacer: SlotPacer;
  deadline: Deadline;
  /** Ends all waiting. */
  signal: AbortSignal;
  /** Called once for each record that has a verdict. */
  onVerdict: (sendable: Sendable, verdict: Verdict) => void;
}
