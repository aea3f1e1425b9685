import { Readable } from 'node:stream';
import { archiveKeysOf } from '../core/archive-keys.ts';
import type { ArchiveKeys } from '../core/archive-keys.ts';
import type { BatchAccount, FileAccount } from '../core/file-account.ts';
import type { Manifest } from '../core/manifest.ts';
import { manifest as manifestSchema } from '../core/manifest.ts';
import type { FinalizeMessage } from '../messages.ts';
import type {
  Archive,
  AuditLog,
  BatchLedger,
  Clock,
  DeadLedger,
  EventPublisher,
  FileLedger,
  ReceiptStore,
} from '../ports.ts';
import { buildManifest } from './build-manifest.ts';
import { ReceiptsAudit } from './receipts-audit.ts';

export interface FinalizerPorts {
  ledger: FileLedger & BatchLedger & DeadLedger;
  receipts: ReceiptStore;
  archive: Archive;
  archiveBucket: string;
  events: EventPublisher;
  clock: Clock;
  log: AuditLog;
  version: string;
}

/** Receipts objects fetched ahead of the one that is read. */
const fetchAhead = 8;

/**
 * Closes a file's account when every batch is settled, counting for itself: source, receipts and manifest into the
 * archive, in this order, so that a manifest never stands without what it tells of. Every step can be repeated.
 */
export async function finalizeFile(message: FinalizeMessage, ports: FinalizerPorts): Promise<void> {
  const { ledger, log } = ports;
  const file = await ledger.getFile(message.fileId);
  const place = { correlation_id: message.fileId };
  if (!file) return log.warn('asked to finalize an unknown file', place);
  if (file.state === 'splitting') return log.info('not split yet', place);
  if (file.manifest && !message.amend) return log.info('finalized before', place);
  if (!file.manifest && message.amend) return log.info('nothing to amend yet', place);

  const batches = await settledBatches(file, ports);
  if (!batches) return log.info('not every batch is settled yet', place);
  if (message.amend) await ledger.beginAmendment(file.fileId);

  const keys = archiveKeysOf(file);
  const source = await ports.archive.copySource(file.source, keys.source);
  const audit = await archiveReceipts(file, batches, keys, ports);
  if (message.amend && !(await hasChanged(file, audit, ports))) return log.info('nothing to amend', place);
  const manifest = await writeManifest(file, audit, keys, source?.key ?? null, ports);
  const figures = figuresOf(manifest);
  if (!manifest.reconciled) log.error('the account does not add up', { ...place, ...figures });
  // Before the file is closed, so that it is told at least once; the manifest's key tells a repetition.
  await ports.events.publish(message.amend ? 'file amended' : 'file completed', figures);
  const closed = await ledger.closeFile(file.fileId, {
    state: manifest.state,
    manifest: { key: manifest.archive.manifest_key, number: manifest.manifest_number },
    openLetters: manifest.dead_lettered_records,
  });
  log.info(closed ? 'file closed' : 'file was closed by another finalizer', { ...place, ...figures });
}

/** Whether more was resolved than the newest manifest tells of. */
async function hasChanged(file: FileAccount, audit: ReceiptsAudit, ports: FinalizerPorts): Promise<boolean> {
  const newest = await ports.archive.getText(file.manifest?.key ?? '');
  return newest === undefined || manifestSchema.parse(JSON.parse(newest)).resolved_records !== audit.resolved;
}

/** All of the file's batches, in order; undefined while one is open or missing. */
async function settledBatches(file: FileAccount, ports: FinalizerPorts): Promise<BatchAccount[] | undefined> {
  const batches: BatchAccount[] = [];
  for await (const batch of ports.ledger.listBatches(file.fileId)) {
    if (batch.state !== 'settled') return undefined;
    // Progress is gone by now; what is kept of 100,000 batches is little.
    batches.push(batch);
  }
  const total = file.totalBatches ?? 0;
  // Of a file that was replaced, a splitter that was killed may have sent more than its last checkpoint knew of. Those
  // that came to a consumer belong to the account; the others are held when they come, and had no part in anything.
  const known = batches.filter(({ batch }) => batch <= total);
  const isWhole = known.length === total && (file.state === 'superseded' || batches.length === total);
  return isWhole ? batches : undefined;
}

/** The receipts of all batches as one object (gzip members one after another are a gzip), audited on the way. */
async function archiveReceipts(
  file: FileAccount,
  batches: BatchAccount[],
  keys: ArchiveKeys,
  ports: FinalizerPorts,
): Promise<ReceiptsAudit> {
  const resolutions = new Map<number, 'uploaded' | 'duplicate'>();
  for await (const dead of ports.ledger.listDead(file.fileId)) {
    if (dead.state === 'resolved' && dead.resolution) resolutions.set(dead.record, dead.resolution);
  }
  const audit = new ReceiptsAudit(resolutions, { allowGaps: file.state === 'superseded' });
  const audited = auditedReceipts(batches, audit, ports.receipts);
  if (batches.length === 0 || (await ports.archive.has(keys.receipts))) {
    // Read all the same: the account is made from them each time.
    for await (const _ of audited);
  } else {
    await ports.archive.putStream(keys.receipts, Readable.from(audited), 'application/gzip');
  }
  return audit;
}

async function* auditedReceipts(
  batches: BatchAccount[],
  audit: ReceiptsAudit,
  store: ReceiptStore,
): AsyncGenerator<Buffer> {
  const ahead: Promise<Buffer>[] = [];
  const fetch = (batch: BatchAccount | undefined): void => {
    if (!batch) return;
    const got = store.getReceipts(batch.receiptsKey ?? '');
    got.catch(() => undefined);
    ahead.push(got);
  };
  batches.slice(0, fetchAhead).forEach(fetch);
  for (const [index, batch] of batches.entries()) {
    fetch(batches[index + fetchAhead]);
    const gzip = await (ahead.shift() as Promise<Buffer>);
    audit.add(batch, gzip);
    yield gzip;
  }
}

/** Never overwrites: a manifest of that number that differs was written for another state of the account. */
async function writeManifest(
  file: FileAccount,
  audit: ReceiptsAudit,
  keys: ArchiveKeys,
  sourceKey: string | null,
  ports: FinalizerPorts,
): Promise<Manifest> {
  for (let number = (file.manifest?.number ?? 0) + 1; ; number++) {
    const key = keys.manifest(number);
    const manifest = buildManifest({
      file,
      audit,
      number,
      version: ports.version,
      completedAt: ports.clock.now(),
      archive: {
        bucket: ports.archiveBucket,
        source_key: sourceKey,
        receipts_key: audit.records > 0 ? keys.receipts : null,
        manifest_key: key,
      },
    });
    const text = `${JSON.stringify(manifest, null, 2)}\n`;
    if ((await ports.archive.putOnce(key, text, 'application/json')) === 'stored') return manifest;
    const before = manifestSchema.parse(JSON.parse((await ports.archive.getText(key)) ?? 'null'));
    if (before.resolved_records === manifest.resolved_records) return before;
  }
}

function figuresOf(manifest: Manifest): Record<string, unknown> {
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
