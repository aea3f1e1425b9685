import type { Projection } from '../../lambdas/core/deadlines/projection.ts';
import type { FileNotice } from '../../lambdas/core/notices/file-notice.ts';
import type { StrayNote } from '../../lambdas/ports.ts';
import type { DeadCount } from './count-dead.ts';
import type { SendingOff } from './sending-off.ts';
import type { ClosedFile, Headline, LiveApi, LiveExpected, LiveFile, LiveQueue } from './snapshot.ts';

/** What is known at the time of one snapshot: every number that is shown is read or computed once, here. */
export interface Facts {
  /** The feeds to show. */
  feeds: readonly string[];
  /** The first of the files in progress. */
  files: readonly LiveFile[];
  /** Including files that are not shown. */
  openFiles: number;
  /** Of the files in progress. */
  projections: readonly Projection[];
  /** The files that were closed last. */
  closed: readonly ClosedFile[];
  /** Files of the last day of which nothing was sent and that were not dropped again since, the oldest first. */
  unsent: readonly FileNotice[];
  /** Objects in the intake bucket that no feed takes. */
  strays: readonly StrayNote[];
  /** Files that should arrive each day. */
  expected: readonly LiveExpected[];
  apis: readonly LiveApi[];
  queues: readonly LiveQueue[];
  /** Functions that get no messages, by someone's change in AWS. */
  sendingOff: readonly SendingOff[];
  dead: DeadCount;
  /** Why the stack's settings cannot be read, so that limits and deadlines may be those of an earlier deployment. */
  settingsTrouble: string | undefined;
  /** The time zone of times in words. */
  zone: string;
  now: number;
}

/** One kind of headline; nothing if there is nothing to say. */
export type HeadlineSource = (facts: Facts) => Headline[];
