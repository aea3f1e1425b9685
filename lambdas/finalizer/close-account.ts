import { isDeepStrictEqual } from 'node:util';
import type { ArchiveKeys } from '../core/account/archive-keys.ts';
import type { FileAccount } from '../core/account/file-account.ts';
import type { Manifest } from '../core/account/manifest.ts';
import { manifest as manifestSchema } from '../core/account/manifest.ts';
import type { Stops } from '../core/account/stops.ts';
import { stopsOf } from '../core/account/stops.ts';
import type { FinalizeMessage } from '../messages.ts';
import { archiveComparison } from './archive-comparison.ts';
import { archiveControl } from './archive-control.ts';
import { archiveResolutions } from './archive-resolutions.ts';
import type { Audit, Counted } from './audit-file.ts';
import { auditFile } from './audit-file.ts';
import { endStateOf } from './build-manifest.ts';
import type { FinalizerPorts } from './finalizer-ports.ts';
import { gatherDecisions } from './gather-decisions.ts';
import { notifyOfEnd } from './notify-of-end.ts';
import type { WrittenManifest } from './write-manifest.ts';
import { writeManifest } from './write-manifest.ts';

export interface Work {
  message: FinalizeMessage;
  file: FileAccount;
  keys: ArchiveKeys;
  amend: boolean;
}

/** Makes the manifest, and closes the file; `stopped` if it was stopped or released since, so that another one is due. */
export async function closeAccount(
  counted: Counted,
  work: Work,
  ports: FinalizerPorts,
): Promise<'stopped' | undefined> {
  const { ledger, log } = ports;
  const { file, amend } = work;
  const place = { correlation_id: file.fileId };
  const stops = stopsOf(file);
  const made = await makeManifest(counted, work, ports);
  if (!made) {
    log.info('nothing to amend', place);
    return undefined;
  }
  const { manifest, written } = made;
  const figures = loggedFigures(manifest);
  if (!manifest.reconciled) log.error('the account does not add up', { ...place, ...figures });
  // Before the file is closed, so that the event is published at least once; the manifest's key identifies a repetition.
  await ports.events.publish(eventOf(manifest, amend), figures);
  await notifyOfEnd(manifest, file, amend, ports);
  const closed = await ledger.closeFile(file.fileId, {
    state: manifest.state,
    manifest: { key: manifest.archive.manifest_key, number: manifest.manifest_number },
    figures: written,
    openLetters: manifest.dead_lettered_records,
    stops,
    counted: counted.facts,
  });
  if (!closed && !(await hasStillStops(file.fileId, stops, ports))) return 'stopped';
  log.info(closed ? 'file closed' : 'file was closed by another finalizer', {
    ...{ ...place, ...figures },
    ...(manifest.decisions ? { decisions: manifest.decisions } : {}),
  });
  return undefined;
}

/**
 * Reads what has become of the dead letters, and writes what the account says now. It is read again if another finalizer has
 * written a manifest meanwhile: that one may have seen more. Undefined if the newest manifest says the same.
 */
async function makeManifest(
  counted: Counted,
  { file, keys, amend }: Work,
  ports: FinalizerPorts,
): Promise<WrittenManifest | undefined> {
  const { held } = counted;
  const newest = amend ? (counted.newest ?? (await newestManifest(file, ports))) : undefined;
  const before = file.manifest?.number ?? 0;
  for (let seen = before; ;) {
    const { audit, archived, reportFacts: facts, resolutions } = await auditFile(file.fileId, counted, ports);
    if (newest && seen === before && describes(newest, file, audit)) return undefined;
    const decisions = await gatherDecisions(file, resolutions, newest, ports);
    const comparison = await archiveComparison(file, keys, facts, ports);
    const control = await archiveControl(file, keys, ports);
    const named = { ...archived, ...(await archiveResolutions(file.fileId, resolutions, keys, ports)) };
    const account = { file, audit, decisions, held, comparison, control, facts, keys };
    const end = await writeManifest(account, ports, named, seen);
    if ('manifest' in end) return end;
    seen = end.outdatedBy;
  }
}

/** The manifest is about these stops. After another one, another manifest is due. */
async function hasStillStops(fileId: string, stops: Stops, { ledger }: FinalizerPorts): Promise<boolean> {
  const file = await ledger.getFile(fileId);
  return !file || isDeepStrictEqual(stopsOf(file), stops);
}

async function newestManifest(file: FileAccount, ports: FinalizerPorts): Promise<Manifest | undefined> {
  const newest = await ports.archive.getText(file.manifest?.key ?? '');
  return newest === undefined ? undefined : manifestSchema.parse(JSON.parse(newest));
}

/**
 * Whether a manifest describes this state of the account: since then, dead letters may be resolved or held records sent.
 */
function describes(manifest: Manifest, file: FileAccount, audit: Audit): boolean {
  const isSame = manifest.resolved_records === audit.resolved && manifest.handled_records === audit.handled;
  return isSame && manifest.state === endStateOf(file);
}

function eventOf(manifest: Manifest, amend: boolean): string {
  if (amend) return 'file amended';
  return manifest.state === 'quarantined' ? 'file quarantined' : 'file completed';
}

function loggedFigures(manifest: Manifest): Record<string, unknown> {
  const { file_id, feed, state, checksum, reconciled, source, archive } = manifest;
  const counts = Object.entries(manifest).filter(([name]) => name.endsWith('_records'));
  return {
    file_id,
    feed,
    state,
    checksum,
    reconciled,
    source_key: source.key,
    manifest_key: archive.manifest_key,
    ...Object.fromEntries(counts),
  };
}
