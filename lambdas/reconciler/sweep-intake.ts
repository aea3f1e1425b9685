import type { SourceObject } from '../core/account/file-account.ts';
import { fileIdOf } from '../core/records/identity.ts';
import type {
  Announcements,
  AuditLog,
  Clock,
  DeskLedger,
  DroppedObjects,
  DroppedVersion,
  FileLedger,
  Metrics,
  QueueDepth,
  SweepState,
  VersionPage,
} from '../ports.ts';

/** Where a lane's files are dropped, and how the splitter hears of them. */
export interface SweptLane {
  lane: string;
  keyPrefix: string;
  intake: Announcements;
  /** Announcements that wait or failed: what they are about is not known yet, and is not forgotten. */
  queues: QueueDepth[];
}

export interface SweepPorts {
  ledger: Pick<FileLedger, 'knownFileIds'> & Pick<DeskLedger, 'getSweep' | 'saveSweep'>;
  /** Undefined if none are swept: small files are known by their bundles. */
  sweep?: { lanes: SweptLane[]; dropped: DroppedObjects };
  metricsOf: (feed: string) => Metrics;
  clock: Pick<Clock, 'now'>;
  log: AuditLog;
}

/** Less than an hour by more than the schedule's own lateness. Milliseconds. */
const sweepEveryMs = 59 * 60_000;

/** S3 announces within seconds, at times a minute; and the splitter may have waited for AWS. Milliseconds. */
const youngestMs = 15 * 60_000;

/** The ledger remembers files for 60 days; whoever dropped one a week ago has noticed. Milliseconds. */
const oldestMs = 7 * 24 * 3_600_000;

/** Of 1,000 versions each, in one run; and the desk's list, which comes after, needs most of its time. Milliseconds. */
const maxPages = 100;
const maxMs = 60_000;

/**
 * Announces again what was dropped and the ledger doesn't know: an event of S3's that got lost leaves no other trace.
 * Once an hour, while no announcement waits or has failed; a long listing goes on with the next run. A version that is
 * announced twice is one file.
 */
export async function sweepIntake(feed: string, ports: SweepPorts): Promise<void> {
  if (!ports.sweep) return;
  let announced = 0;
  try {
    for (const lane of ports.sweep.lanes) await sweepLane(feed, lane, ports, () => announced++);
  } finally {
    // Also where the sweep failed midway: the next one finds what was announced in the ledger, and counts it no more.
    const metrics = ports.metricsOf(feed);
    metrics.add('UnannouncedFiles', announced);
    metrics.flush();
  }
}

async function sweepLane(feed: string, lane: SweptLane, ports: SweepPorts, onAnnounced: () => void): Promise<void> {
  const { ledger, clock, sweep } = ports;
  const before = await ledger.getSweep(feed, lane.lane);
  const begunAt = clock.now();
  if (!sweep || (before?.next === undefined && begunAt - (before?.startedAt ?? 0) < sweepEveryMs)) return;
  const waiting = await Promise.all(lane.queues.map((queue) => queue.messages()));
  if (waiting.some((messages) => messages > 0)) return;

  let state: SweepState = before?.next === undefined ? { startedAt: begunAt } : before;
  for (let pages = 0; pages < maxPages && clock.now() - begunAt < maxMs; pages++) {
    const page = await sweep.dropped.listVersions(lane.keyPrefix, state.next);
    await announceUnknown(feed, lane, versionsIn(page, state), ports, onAnnounced);
    state = stateAfter(page, state);
    if (state.next === undefined) break;
  }
  // Killed before this, the next run lists the same once more, and the ledger knows by then what was announced.
  await ledger.saveSweep(feed, lane.lane, state);
}

/** Without folders made in the console, and without what somebody has deleted since. */
function versionsIn({ versions, deletedKeys }: VersionPage, { deletedKey }: SweepState): DroppedVersion[] {
  const deleted = new Set(deletedKey === undefined ? deletedKeys : [...deletedKeys, deletedKey]);
  return versions.filter(
    ({ source: { key, sizeBytes } }) => !deleted.has(key) && !(key.endsWith('/') && sizeBytes === 0),
  );
}

/** A key's delete marker comes before its versions, which may be in the next page. */
function stateAfter({ deletedKeys, next }: VersionPage, { startedAt, deletedKey }: SweepState): SweepState {
  if (next === undefined) return { startedAt };
  const isDeleted = deletedKeys.includes(next.key) || deletedKey === next.key;
  return { startedAt, next, ...(isDeleted ? { deletedKey: next.key } : {}) };
}

async function announceUnknown(
  feed: string,
  lane: SweptLane,
  versions: readonly DroppedVersion[],
  { ledger, clock, log }: SweepPorts,
  onAnnounced: () => void,
): Promise<void> {
  const now = clock.now();
  const isOfAge = ({ modifiedAt }: DroppedVersion) => modifiedAt <= now - youngestMs && modifiedAt >= now - oldestMs;
  const wanted = new Map(versions.filter(isOfAge).map((version) => [fileIdOf(feed, version.source), version]));
  const known = await ledger.knownFileIds([...wanted.keys()]);
  const unknown = [...wanted].filter(([fileId]) => !known.has(fileId));
  // As they came: of two versions of one key the older one first.
  unknown.sort(([, a], [, b]) => a.modifiedAt - b.modifiedAt);
  for (const [fileId, { source }] of unknown) {
    log.warn('dropped file announced again: nothing was heard of it', { correlation_id: fileId, ...placeOf(source) });
    await lane.intake.announce(source);
    onAnnounced();
  }
}

const placeOf = ({ key, versionId }: SourceObject) => ({ key, version_id: versionId });
