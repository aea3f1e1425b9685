import { ContradictionError } from '../core/errors.ts';
import type { SourceObject } from '../core/account/file-account.ts';
import { sha256Of } from '../core/records/identity.ts';
import { fileIdOf } from '../core/account/file-id.ts';
import { maxMembers, writeBundle } from '../core/records/bundle.ts';
import type { BundleDialect, CutLimits } from '../core/records/dialect.ts';
import type { BundleStore } from '../ports.ts';
import type { Deadline } from '../runtime/deadline.ts';
import type { SmallFile } from '../content/read-members.ts';
import { readMembers } from '../content/read-members.ts';
import { splitFile } from './split-file.ts';
import type { SplitterPorts } from './splitter-ports.ts';

export interface BundlePorts extends SplitterPorts {
  bundles: BundleStore;
  lane: string;
  limits: CutLimits;
}

/** A small file's outcome: its record is in an account, it needs its own account, or it has to be delivered again. */
export type Bundling = { kind: 'accounted' } | { kind: 'ordinary' } | { kind: 'failed'; error: unknown };

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
  const readings = await readMembers(distinct, ports);
  const outcome = new Map<string, Bundling>();
  const members: SmallFile[] = [];
  readings.forEach((reading, index) => {
    if (reading.kind === 'member') return members.push(reading.file);
    const id = idOf(distinct[index] as SourceObject);
    return outcome.set(id, reading.kind === 'unread' ? { kind: 'failed', error: reading.error } : { kind: 'ordinary' });
  });
  for (let from = 0; from < members.length; from += maxMembers) {
    const some = members.slice(from, from + maxMembers);
    const bundling = await accountFor(some, ports, deadline);
    for (const { source } of some) outcome.set(idOf(source), bundling);
  }
  return outcome;
}

async function accountFor(members: SmallFile[], ports: BundlePorts, deadline: Deadline): Promise<Bundling> {
  try {
    for (const fileId of await openBundles(members, ports)) await splitFile(fileId, undefined, ports, deadline);
    return { kind: 'accounted' };
  } catch (error) {
    // What has been written by now is found when the events come again.
    return { kind: 'failed', error };
  }
}

/** The files whose accounts contain these members: a new bundle, and existing files that have some of them. */
async function openBundles(members: SmallFile[], ports: BundlePorts): Promise<Set<string>> {
  const { ledger, feed, lane, limits, log } = ports;
  const files = new Set<string>();
  for (let left = members; left.length > 0;) {
    const bytes = writeBundle(left);
    const source = await ports.bundles.putBundle(ports.newOwner(), bytes);
    const fileId = fileIdOf(feed.name, source);
    const dialect: BundleDialect = { format: 'bundle', encoding: feed.encoding, bodyOffset: 0, bodyLine: 1 };
    const opened = await ledger.createBundle(
      {
        ...{ fileId, feed: feed.name, lane, source, limits, dialect, messageKey: ports.newMessageKey() },
        sha256: sha256Of(bytes),
        bundle: { members: left.length },
      },
      left.map((member) => member.source),
    );
    if (opened.kind === 'created') {
      log.info('small files bundled', { correlation_id: fileId, files: left.length, bytes: bytes.length });
      return files.add(fileId);
    }
    if (opened.members.length === 0) throw new ContradictionError(`The bundle ${fileId} can't be opened.`);
    const taken = new Set(opened.members.map((member) => member.fileId));
    for (const member of opened.members) files.add(member.bundleId ?? member.fileId);
    left = left.filter((member) => !taken.has(fileIdOf(feed.name, member.source)));
  }
  return files;
}
