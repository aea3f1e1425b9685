import type { ControlRule } from '../../feeds/control-rule.ts';
import { controlledName } from '../../feeds/control-rule.ts';
import type { SourceObject } from '../core/account/file-account.ts';
import { isSameVersion, maxSeenVersions } from '../core/control/spoken-of.ts';
import { fileIdOf } from '../core/account/file-id.ts';
import type {
  Announcements,
  AuditLog,
  Clock,
  ControlLedger,
  DeskLedger,
  DroppedObjects,
  DroppedVersion,
  FileLedger,
  Metrics,
  QueueDepth,
  SweepState,
  VersionPage,
} from '../ports.ts';

/** Where a lane's files are dropped, and how they are announced to the splitter. */
export interface SweptLane {
  lane: string;
  keyPrefix: string;
  intake: Announcements;
  /** Queues with announcements that wait or failed: their files are not in the ledger yet, but not lost either. */
  queues: QueueDepth[];
}

export interface SweepPorts {
  ledger: Pick<FileLedger, 'knownFileIds'> &
    Pick<ControlLedger, 'readControls'> &
    Pick<DeskLedger, 'getSweep' | 'saveSweep'>;
  /** Undefined if none are swept: small files are known by their bundles. */
  sweep?: { lanes: SweptLane[]; dropped: DroppedObjects; control?: Pick<ControlRule, 'suffix'> | undefined };
  metricsOf: (feed: string) => Metrics;
  clock: Pick<Clock, 'now'>;
  log: AuditLog;
}

/** Shorter than an hour by more than the schedule's own delay. Milliseconds. */
const sweepEveryMs = 59 * 60_000;

/** S3 announces within seconds, sometimes a minute, and the splitter may have waited for AWS. Milliseconds. */
const youngestMs = 15 * 60_000;

/** The ledger keeps files for 60 days; a file lost a week ago has been noticed by its sender. Milliseconds. */
const oldestMs = 7 * 24 * 3_600_000;

/** Pages of 1,000 versions per run: the desk's list, which follows, needs most of the run's time. Milliseconds. */
const maxPages = 100;
const maxMs = 60_000;

/**
 * Announces dropped files that the ledger doesn't know: a lost S3 event leaves no other trace. Runs once an hour, if no
 * announcement waits or has failed; a long listing continues in the next run. A version that is announced twice is one
 * file.
 */
export async function sweepIntake(feed: string, ports: SweepPorts): Promise<void> {
  if (!ports.sweep) return;
  let announced = 0;
  try {
    for (const lane of ports.sweep.lanes) await sweepLane(feed, lane, ports, () => announced++);
  } finally {
    // Also if the sweep failed midway: the next one finds the announced files in the ledger, and does not count them again.
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
  // If killed before this, the next run lists the same page again, and by then the ledger knows what was announced.
  await ledger.saveSweep(feed, lane.lane, state);
}

/** The page's versions without folders made in the console and without objects deleted since. */
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
  ports: SweepPorts,
  onAnnounced: () => void,
): Promise<void> {
  const { ledger, clock, log } = ports;
  const now = clock.now();
  const isOfAge = ({ modifiedAt }: DroppedVersion) => modifiedAt <= now - youngestMs && modifiedAt >= now - oldestMs;
  const wanted = new Map(versions.filter(isOfAge).map((version) => [fileIdOf(feed, version.source), version]));
  const known = await ledger.knownFileIds([...wanted.keys()]);
  const unknown: [string, DroppedVersion][] = [];
  for (const [fileId, version] of wanted) {
    if (!known.has(fileId) && !(await isKnownControl(feed, lane, version, ports))) unknown.push([fileId, version]);
  }
  // In order of arrival: of two versions of one key the older one first.
  unknown.sort(([, a], [, b]) => a.modifiedAt - b.modifiedAt);
  for (const [fileId, { source }] of unknown) {
    log.warn('dropped file announced again: nothing was heard of it', { correlation_id: fileId, ...placeOf(source) });
    await lane.intake.announce(source);
    onAnnounced();
  }
}

/** A control file is no file of the feed: its file's name knows its versions. */
async function isKnownControl(
  feed: string,
  { keyPrefix }: SweptLane,
  { source }: DroppedVersion,
  { ledger, sweep }: SweepPorts,
): Promise<boolean> {
  const fileName = sweep?.control && controlledName(sweep.control, source.key.slice(keyPrefix.length));
  if (fileName === undefined) return false;
  const { controls } = await ledger.readControls(feed, fileName);
  // The oldest of so many may have been forgotten.
  return controls.length >= maxSeenVersions || controls.some((each) => isSameVersion(each.source, source));
}

const placeOf = ({ key, versionId }: SourceObject) => ({ key, version_id: versionId });
