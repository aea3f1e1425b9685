import { isDeepStrictEqual } from 'node:util';
import { gatherUntil } from '../core/account/amendment.ts';
import type { ArchiveKeys } from '../core/account/archive-keys.ts';
import { archiveKeysOf } from '../core/account/archive-keys.ts';
import type { FileAccount } from '../core/account/file-account.ts';
import { isManifestOwed } from '../core/account/file-account.ts';
import type { Manifest } from '../core/account/manifest.ts';
import { manifest as manifestSchema } from '../core/account/manifest.ts';
import { AlteredMessageError, LeaseLostError, UploadGoneError } from '../core/errors.ts';
import { isQuarantined, stopsOf } from '../core/account/stops.ts';
import type { Stops } from '../core/account/stops.ts';
import type { FinalizeMessage } from '../messages.ts';
import type { Deadline } from '../runtime/deadline.ts';
import { archiveResolutions } from './archive-resolutions.ts';
import type { Audit, Counted } from './audit-file.ts';
import { auditFile, countAll, countedBefore } from './audit-file.ts';
import { Closing } from './closing.ts';
import { gatherDecisions } from './gather-decisions.ts';
import { archiveComparison } from './archive-comparison.ts';
import { archiveControl } from './archive-control.ts';
import { endStateOf } from './build-manifest.ts';
import type { FinalizerPorts } from './finalizer-ports.ts';
import { notifyOfEnd } from './notify-of-end.ts';
import { isSettled } from './settled-batches.ts';
import type { WrittenManifest } from './write-manifest.ts';
import { writeManifest } from './write-manifest.ts';

/** So that uploads that are lost again and again cost little. Seconds. */
const startAgainAfterSeconds = 60;

/** Longer than a lease: most files are closed by then. Seconds. */
const comeBackAfterSeconds = 300;

/**
 * Closes a file's account when every batch is settled, with its own count. It stores source, receipts and manifest in the
 * archive, in this order, so that everything that a manifest names exists. Every step can be repeated: an object that a
 * killed finalizer stored is reused if it has the same SHA-256, and is a contradiction if not. A large file takes several
 * invocations: see Closing.
 */
export async function finalizeFile(message: FinalizeMessage, ports: FinalizerPorts, deadline: Deadline): Promise<void> {
  try {
    await closeOrContinue(message, ports, deadline);
  } catch (error) {
    if (!(error instanceof LeaseLostError)) throw error;
    ports.log.info('another finalizer has taken the file', { correlation_id: message.fileId });
  }
}

async function closeOrContinue(message: FinalizeMessage, ports: FinalizerPorts, deadline: Deadline): Promise<void> {
  const { ledger, log } = ports;
  const file = await ledger.getFile(message.fileId);
  const place = { correlation_id: message.fileId };
  if (!file) return log.warn('asked to finalize an unknown file', place);
  if (file.feed !== message.feed)
    throw new AlteredMessageError(`The file ${file.fileId} is not one of the feed that is named.`);
  if (file.state === 'bundled') return log.info('its account is another one', { ...place, bundle: file.bundleId });
  if (file.state === 'splitting') return log.info('not split yet', place);
  // A released file is open again, and its next manifest is not an amendment.
  const amend = message.amend && file.state !== 'split';
  if (!isManifestOwed(file) && !amend) return log.info('finalized before', place);
  if (!file.manifest && amend) return log.info('nothing to amend yet', place);
  const until = amend ? gatherUntil(file, ports.clock.now()) : undefined;
  if (until !== undefined) return ports.finalize.send(message, (until - ports.clock.now()) / 1000);

  const keys = archiveKeysOf(file);
  const closing = new Closing(file, keys, ports);
  try {
    await closeWith(closing, { message, file, keys, amend }, ports, deadline);
  } catch (error) {
    // The message comes back before the lease would be over.
    await closing.release().catch(() => undefined);
    throw error;
  }
}

interface Work {
  message: FinalizeMessage;
  file: FileAccount;
  keys: ArchiveKeys;
  amend: boolean;
}

async function closeWith(closing: Closing, work: Work, ports: FinalizerPorts, deadline: Deadline): Promise<void> {
  const { ledger } = ports;
  const { message, file, amend } = work;
  const before = amend ? await countedBefore(file, ports) : undefined;
  if (!before && !(await isDue(closing, work, ports))) return;
  const stops = stopsOf(file);
  // From now on, nothing of it is left that could be held. If it has just been stopped, its batches are counted again.
  const isSent = file.state === 'split' && !isQuarantined(file);
  if (isSent && !(await ledger.beginClosing(file.fileId, stops))) {
    await closing.release();
    return closeOrContinue(message, ports, deadline);
  }
  if (amend) await ledger.beginAmendment(file.fileId);
  const counted = before ?? (await countHere(closing, work, ports, deadline));
  if (!counted) return;
  const end = await closeAccount(counted, work, ports);
  await closing.release();
  if (end === 'stopped') return closeOrContinue(message, ports, deadline);
}

/** Whether this finalizer is to count the file's receipts. */
async function isDue(closing: Closing, work: Work, ports: FinalizerPorts): Promise<boolean> {
  const { ledger, log } = ports;
  const { file } = work;
  if (!(await closing.resume())) {
    await comeBack(work, ports);
    return false;
  }
  // What has been counted in part was settled.
  if (closing.state.tally || (await isSettled(file, ledger))) return true;
  await closing.release();
  log.info('not every batch is settled yet', { correlation_id: file.fileId });
  return false;
}

/** The other finalizer may be killed, or fail: one message must remain. */
async function comeBack({ message, file }: Work, { log, finalize }: FinalizerPorts): Promise<void> {
  log.info('another finalizer has the file', { correlation_id: file.fileId });
  await finalize.send(message, comeBackAfterSeconds);
}

/** Undefined if this invocation does not get to the end: the reason is logged, and the rest is asked for. */
async function countHere(
  closing: Closing,
  work: Work,
  ports: FinalizerPorts,
  deadline: Deadline,
): Promise<Counted | undefined> {
  const { log } = ports;
  const { message, file, keys } = work;
  const place = { correlation_id: file.fileId };
  try {
    const count = await countAll(file, keys, closing, ports, deadline);
    if (count.kind === 'counted') return count.counted;
    if (count.kind === 'busy') {
      await comeBack(work, ports);
      return undefined;
    }
    await closing.release();
    if (count.kind === 'open') {
      log.info('not every batch is settled yet', place);
      return undefined;
    }
    log.info('the next invocation continues', { ...place, batch: closing.state.tally?.batch });
    // After the release: the next one must find the file free.
    await ports.finalize.send(message, 0);
  } catch (error) {
    if (!(error instanceof UploadGoneError)) throw error;
    log.warn('an upload was lost: the receipts are counted again', { ...place, error });
    await closing.startAgain();
    await closing.release();
    await ports.finalize.send(message, startAgainAfterSeconds);
  }
  return undefined;
}

/** Makes the manifest, and closes the file; `stopped` if it was stopped or released since, so that another one is due. */
async function closeAccount(counted: Counted, work: Work, ports: FinalizerPorts): Promise<'stopped' | undefined> {
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
  await notifyOfEnd(manifest, amend, ports);
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
