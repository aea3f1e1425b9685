import { LeaseLostError } from '../core/errors.ts';
import { inGroups } from '../core/in-groups.ts';
import type { SourceObject } from '../core/account/file-account.ts';
import { sha256Of } from '../core/records/identity.ts';
import { fileIdOf } from '../core/account/file-id.ts';
import { maxBundleBytes, maxMembers, writeBundle } from '../core/records/bundle.ts';
import type { BundleDialect, CutLimits } from '../core/records/dialect.ts';
import type { BundleLedger, BundleStore, SmallFilePlace } from '../ports.ts';
import type { Deadline } from '../runtime/deadline.ts';
import type { SmallFile } from '../content/read-members.ts';
import { readMembers } from '../content/read-members.ts';
import { splitFile } from './split-file.ts';
import type { SplitterPorts } from './splitter-ports.ts';

export interface BundlePorts extends SplitterPorts {
  ledger: SplitterPorts['ledger'] & BundleLedger;
  bundles: BundleStore;
  lane: string;
  limits: CutLimits;
}

/** A small file's outcome. */
export type Bundling =
  /** Its record is in an account. */
  | { kind: 'accounted' }
  /** It needs its own account. */
  | { kind: 'ordinary' }
  /** Another splitter is about to account for it, or was killed: until then it can't be known. */
  | { kind: 'pending'; untilMs: number }
  /** It has to be delivered again. */
  | { kind: 'failed'; error: unknown };

/**
 * Bundles many small files into one and splits that: one account, one receipts object and one manifest for all files of an
 * invocation. A member stays in its bundle for good: if the event comes again, or another splitter has it, that bundle is
 * continued. Returns the outcomes by file id.
 */
export async function bundleFiles(
  sources: readonly SourceObject[],
  ports: BundlePorts,
  deadline: Deadline,
): Promise<Map<string, Bundling>> {
  const idOf = (source: SourceObject): string => fileIdOf(ports.feed.name, source);
  const distinct = [...new Map(sources.map((source) => [idOf(source), source])).values()];
  const outcome = new Map<string, Bundling>();
  // No more are read than fit into a bundle, before these are bundled.
  const most = { count: maxMembers, size: maxBundleBytes };
  for (const group of inGroups(distinct, most, ({ sizeBytes }) => sizeBytes)) {
    const members: SmallFile[] = [];
    const readings = await readMembers(group, ports);
    readings.forEach((reading, index) => {
      if (reading.kind === 'member') return members.push(reading.file);
      const id = idOf(group[index] as SourceObject);
      const failed = reading.kind === 'unread';
      return outcome.set(id, failed ? { kind: 'failed', error: reading.error } : { kind: 'ordinary' });
    });
    if (members.length === 0) continue;
    const bundlings = await accountFor(members, ports, deadline);
    members.forEach(({ source }, index) => outcome.set(idOf(source), bundlings[index] as Bundling));
  }
  return outcome;
}

/** In the members' order. */
async function accountFor(members: SmallFile[], ports: BundlePorts, deadline: Deadline): Promise<Bundling[]> {
  try {
    const { files, pending } = await openBundle(members, ports);
    for (const fileId of files) await splitFile(fileId, undefined, ports, deadline);
    return members.map((member) => pending.get(member) ?? { kind: 'accounted' });
  } catch (error) {
    // What has been written by now is found when the events come again.
    return members.map(() => ({ kind: 'failed', error }));
  }
}

/**
 * The files whose accounts contain these members: a new bundle of all that have no account, and existing files that have
 * the others. A splitter that is killed on the way leaves places in a bundle that is never opened; others take them over.
 */
async function openBundle(members: SmallFile[], ports: BundlePorts) {
  const { ledger, bundles, feed, lane, limits, log } = ports;
  const name = ports.newOwner();
  const fileId = fileIdOf(feed.name, bundles.placeOf(name));
  const places = await ledger.takePlaces(
    { fileId, feed: feed.name, lane, limits },
    members.map(({ source }) => source),
  );
  const files = new Set<string>();
  const pending = new Map<SmallFile, Bundling>();
  const taken = members.filter((member, index) => {
    const place = places[index] as SmallFilePlace;
    if (place.kind === 'elsewhere') files.add(place.fileId);
    if (place.kind === 'pending') pending.set(member, place);
    return place.kind === 'taken';
  });
  if (taken.length === 0) return { files, pending };
  const bytes = writeBundle(taken);
  const source = await bundles.putBundle(name, bytes);
  const dialect: BundleDialect = { format: 'bundle', encoding: feed.encoding, bodyOffset: 0, bodyLine: 1 };
  const isOpened = await ledger.openBundle({
    ...{ fileId, feed: feed.name, lane, source, limits, dialect, messageKey: ports.newMessageKey() },
    sha256: sha256Of(bytes),
    bundle: { members: taken.length },
  });
  if (!isOpened) throw new LeaseLostError(`The bundle ${fileId} was not opened in time: another splitter gave it up.`);
  log.info('small files bundled', { correlation_id: fileId, files: taken.length, bytes: bytes.length });
  return { files: files.add(fileId), pending };
}
