import { isDeepStrictEqual } from 'node:util';
import { gatherUntil } from '../core/account/amendment.ts';
import { archiveKeysOf } from '../core/account/archive-keys.ts';
import type { FileAccount } from '../core/account/file-account.ts';
import { isManifestOwed } from '../core/account/file-account.ts';
import type { Manifest } from '../core/account/manifest.ts';
import { manifest as manifestSchema } from '../core/account/manifest.ts';
import { AlteredMessageError } from '../core/errors.ts';
import { isQuarantined, stopsOf } from '../core/account/stops.ts';
import type { Stops } from '../core/account/stops.ts';
import { ReportFacts } from '../core/report/report-facts.ts';
import type { FinalizeMessage } from '../messages.ts';
import { gatherDecisions } from './gather-decisions.ts';
import { archiveComparison } from './archive-comparison.ts';
import { archiveControl } from './archive-control.ts';
import { archiveReceipts } from './archive-receipts.ts';
import { endStateOf } from './build-manifest.ts';
import type { FinalizerPorts } from './finalizer-ports.ts';
import { notifyOfEnd } from './notify-of-end.ts';
import type { ReceiptsAudit } from './receipts-audit.ts';
import { archiveResolutions, readResolutions } from './resolutions.ts';
import { settledBatches } from './settled-batches.ts';
import { writeManifest } from './write-manifest.ts';

/**
 * Closes a file's account when every batch is settled, with its own count. It stores source, receipts and manifest in the
 * archive, in this order, so that everything that a manifest names exists. Every step can be repeated: an object that a
 * killed finalizer stored is reused if it has the same SHA-256, and is a contradiction if not.
 */
export async function finalizeFile(message: FinalizeMessage, ports: FinalizerPorts): Promise<void> {
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

  const settled = await settledBatches(file, ledger);
  if (!settled) return log.info('not every batch is settled yet', place);
  const stops = stopsOf(file);
  // From now on, nothing of it is left that could be held. If it has just been stopped, its batches are counted again.
  const isSent = file.state === 'split' && !isQuarantined(file);
  if (isSent && !(await ledger.beginClosing(file.fileId, stops))) return finalizeFile(message, ports);
  if (amend) {
    const until = gatherUntil(file, ports.clock.now());
    if (until !== undefined) return ports.finalize.send(message, (until - ports.clock.now()) / 1000);
    await ledger.beginAmendment(file.fileId);
  }

  const keys = archiveKeysOf(file);
  const source = await ports.archive.copySource(file.source, keys.source);
  const resolutions = await readResolutions(file.fileId, ledger);
  const facts = new ReportFacts();
  const { audit, ...archived } = await archiveReceipts(file, settled, resolutions, keys, facts, ports);
  const newest = amend ? await newestManifest(file, ports) : undefined;
  if (newest && describes(newest, file, audit)) return log.info('nothing to amend', place);
  const decisions = await gatherDecisions(file, resolutions, newest, ports);
  const comparison = await archiveComparison(file, keys, facts, ports);
  const control = await archiveControl(file, keys, ports);
  const account = { file, audit, decisions, held: settled.held, comparison, control, facts, keys };
  const { manifest, written } = await writeManifest(account, ports, {
    source_key: source?.key ?? null,
    ...archived,
    ...(await archiveResolutions(file.fileId, resolutions, keys, ports)),
  });
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
  });
  if (!closed && !(await hasStillStops(file.fileId, stops, ports))) return finalizeFile(message, ports);
  log.info(closed ? 'file closed' : 'file was closed by another finalizer', {
    ...{ ...place, ...figures },
    ...(manifest.decisions ? { decisions: manifest.decisions } : {}),
  });
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
function describes(manifest: Manifest, file: FileAccount, audit: ReceiptsAudit): boolean {
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
