import type { AuditLog, DeadQueue, DeskLedger } from '../ports.ts';
import type { BuryPorts } from './bury-batch.ts';
import type { DlqFindings, LaneDlqs } from './look-into-dlqs.ts';
import { lookIntoDlqs } from './look-into-dlqs.ts';
import type { NotifyAlteredPorts } from './notify-altered.ts';
import { notifyOfAltered } from './notify-altered.ts';
import type { ReconcilerPorts } from './requeue-stalled.ts';
import { requeueStalled } from './requeue-stalled.ts';
import type { TellDeskPorts } from './tell-desk.ts';
import { tellDesk } from './tell-desk.ts';
import type { WatchDeadlinesPorts } from './watch-deadlines.ts';
import { watchDeadlines } from './watch-deadlines.ts';

export type ReconcilePorts = ReconcilerPorts &
  BuryPorts &
  TellDeskPorts &
  NotifyAlteredPorts &
  WatchDeadlinesPorts & {
    ledger: DeskLedger;
    dlqs: LaneDlqs[];
    finalizeDlq: DeadQueue;
    /** Longer than the function can run: the lease of one that was killed ends by itself. */
    leaseMs: number;
  };

/**
 * One run: looks into the DLQs, asks for what has stalled, tells each feed's desk, also of deadlines. One at a time: a schedule and a
 * deadline may fall together. What fails doesn't keep the rest from being done; the run fails all the same, for the alarm.
 * @param deadlineOf the feed whose deadline it is
 */
export async function reconcile(deadlineOf: string | undefined, ports: ReconcilePorts): Promise<void> {
  const owner = ports.newId();
  if (!(await ports.ledger.claimReconciler(owner, ports.leaseMs))) {
    return ports.log.info('another reconciler is at work');
  }
  const faults: unknown[] = [];
  const attempt = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      faults.push(error);
      return undefined;
    }
  };
  try {
    const findings = await attempt(() => lookIntoDlqs(ports.dlqs, ports.finalizeDlq, knownLetters(ports), ports));
    // Without a look into the DLQs nobody can say which batches are lost.
    if (findings) await attempt(() => requeueStalled(ports, findings.redriven));
    const seen: Pick<DlqFindings, 'work' | 'oldestSentAt'> = findings ?? { work: [], oldestSentAt: new Map() };
    for (const feed of new Set(ports.lanes.map((lane) => lane.feed))) {
      await attempt(() => notifyOfAltered(feed, ports));
      await attempt(() => tellDesk(feed, seen, feed === deadlineOf, ports));
    }
    await attempt(() => watchDeadlines(ports));
  } finally {
    await ports.ledger.releaseReconciler(owner);
  }
  logFaults(faults, ports.log);
}

/** As of the last run: a queue that holds more has something that the ledger doesn't know. */
function knownLetters({ ledger }: ReconcilePorts) {
  return async (feed: string): Promise<number> => (await ledger.getDeskState(feed))?.openRecords ?? 0;
}

function logFaults(faults: unknown[], log: AuditLog): void {
  for (const fault of faults) {
    log.error('a part of the reconciliation failed', {
      error: fault instanceof Error ? fault : new Error(String(fault)),
    });
  }
  if (faults.length > 0) throw new Error(`${faults.length} parts of the reconciliation failed: see the log.`);
}
