import type { DeadQueue, DeskLedger } from '../ports.ts';
import type { AskForNightPorts } from './ask-for-night.ts';
import { askForNight } from './ask-for-night.ts';
import type { BuryPorts } from './bury-batch.ts';
import type { CheckExpectedPorts } from './check-expected-files.ts';
import { checkExpectedFiles } from './check-expected-files.ts';
import type { DlqFindings, LaneDlqs } from './inspect-dlqs.ts';
import { inspectDlqs, inspectLetters } from './inspect-dlqs.ts';
import type { SendNoticesPorts } from '../notices/send-notices.ts';
import { sendMissedNotices } from '../notices/send-notices.ts';
import type { NotifyAlteredPorts } from './notify-altered.ts';
import { notifyOfAltered } from './notify-altered.ts';
import type { ReconcilerPorts } from './requeue-stalled.ts';
import { requeueStalled } from './requeue-stalled.ts';
import type { NotifyDeskPorts } from './notify-desk.ts';
import { notifyDesk } from './notify-desk.ts';
import { surveyDead } from './survey-dead.ts';
import type { FindStraysPorts } from './find-strays.ts';
import { findStrays } from './find-strays.ts';
import type { SweepPorts } from './sweep-intake.ts';
import { sweepIntake } from './sweep-intake.ts';
import type { WatchControlsPorts } from './watch-controls.ts';
import { watchControls } from './watch-controls.ts';
import type { WatchRevisionsPorts } from './watch-revisions.ts';
import { watchRevisions } from './watch-revisions.ts';
import type { WatchDeadlinesPorts } from './watch-deadlines.ts';
import { watchDeadlines } from './watch-deadlines.ts';

export type ReconcilePorts = ReconcilerPorts &
  BuryPorts &
  NotifyDeskPorts &
  NotifyAlteredPorts &
  SendNoticesPorts &
  SweepPorts &
  FindStraysPorts &
  CheckExpectedPorts &
  WatchControlsPorts &
  WatchRevisionsPorts &
  WatchDeadlinesPorts &
  AskForNightPorts & {
    ledger: DeskLedger;
    dlqs: LaneDlqs[];
    finalizeDlq: DeadQueue;
    /** Longer than the function can run: the lease of one that was killed ends by itself. */
    leaseMs: number;
  };

/** Interval between checks whether another run has ended. Milliseconds. */
const busyWaitMs = 5_000;

/**
 * One run for one feed: watches its deadline and its expected files, inspects its DLQs, requeues stalled work, looks for
 * dropped files without an event, and notifies its desk. The deadline comes first, and everything about dead letters last:
 * it takes the most time and memory of all steps. A failed step is reported and doesn't keep the others from running; the
 * run fails nevertheless, for the alarm.
 * One run at a time: a schedule and a deadline may coincide.
 * @param isDeadline whether the feed's deadline has come
 * @throws at the end, if a step has failed
 */
export async function reconcile(isDeadline: boolean, ports: ReconcilePorts): Promise<void> {
  const { feed } = ports.feed;
  const owner = ports.newId();
  if (!(await claim(owner, isDeadline, ports))) return ports.log.info('another reconciler is at work', { feed });
  const failed: string[] = [];
  const attempt = async <T>(step: string, work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      failed.push(step);
      // At once: a later step may end the function.
      ports.log.error('a part of the reconciliation failed', { feed, step, error: asError(error) });
      return undefined;
    }
  };
  try {
    await attempt('deadline', () => watchDeadlines(ports));
    await attempt('expected', () => checkExpectedFiles(feed, ports));
    await attempt('night', () => askForNight(ports));
    const found = await attempt('dlqs', () => inspectDlqs(ports.dlqs, ports.finalizeDlq, ports));
    // Without the DLQs' contents, it is unknown which batches are lost.
    if (found) await attempt('stalled', () => requeueStalled(ports, found.redriven));
    const findings: DlqFindings = found ?? { work: [], oldestSentAt: new Map(), redriven: new Set() };
    await attempt('controls', () => watchControls(feed, isDeadline, ports));
    await attempt('revisions', () => watchRevisions(feed, ports));
    await attempt('notices', () => sendMissedNotices(feed, ports));
    await attempt('sweep', () => sweepIntake(feed, ports));
    await attempt('strays', () => findStrays(feed, ports));
    const survey = await attempt('survey', () => surveyDead(feed, ports));
    // Without a survey, any letter in a DLQ may be unknown.
    await attempt('letters', () => inspectLetters(ports.dlqs, survey?.received ?? 0, findings, ports));
    await attempt('altered', () => notifyOfAltered(feed, ports));
    if (survey) await attempt('desk', () => notifyDesk(feed, survey, findings, isDeadline, ports));
  } finally {
    await ports.ledger.releaseReconciler(feed, owner);
  }
  if (failed.length > 0) {
    throw new Error(
      `${failed.length} parts of the reconciliation of ${feed} failed (${failed.join(', ')}): see the log.`,
    );
  }
}

/**
 * A regular run during another one is superfluous. The run at the deadline is not, since no other run notifies the desk
 * then: it waits for the other's end as long as enough time is left for its own work.
 * @returns whether the lease is the owner's
 * @throws if the deadline's run has waited without success: Lambda retries it, twice within three minutes
 */
async function claim(
  owner: string,
  isDeadline: boolean,
  { ledger, clock, leaseMs, feed: { feed } }: ReconcilePorts,
): Promise<boolean> {
  const waitUntil = clock.now() + leaseMs / 2;
  while (!(await ledger.claimReconciler(feed, owner, leaseMs))) {
    if (!isDeadline) return false;
    if (clock.now() >= waitUntil)
      throw new Error(`The run at the deadline of ${feed} met another one that took too long.`);
    await clock.sleep(busyWaitMs);
  }
  return true;
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));
