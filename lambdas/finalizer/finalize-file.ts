import { Readable } from 'node:stream';
import { isDeepStrictEqual } from 'node:util';
import { gatherUntil } from '../core/account/amendment.ts';
import { ReportFacts } from '../core/report/report-facts.ts';
import { archiveKeysOf } from '../core/account/archive-keys.ts';
import type { ArchiveKeys } from '../core/account/archive-keys.ts';
import type { BatchAccount, FileAccount } from '../core/account/file-account.ts';
import { AlteredMessageError } from '../core/errors.ts';
import { isManifestOwed, sendableBatches } from '../core/account/file-account.ts';
import { endsInQuarantine, isQuarantined } from '../core/account/quarantine.ts';
import type { HeldRange, Manifest, ManifestFigures } from '../core/account/manifest.ts';
import { figuresOf, manifest as manifestSchema } from '../core/account/manifest.ts';
import { sha256Of } from '../core/records/identity.ts';
import type { FinalizeMessage } from '../messages.ts';
import type {
  Archive,
  AuditLog,
  BatchLedger,
  Clock,
  Desk,
  DeadLedger,
  DeskLedger,
  EventPublisher,
  FileLedger,
  FinalizeQueue,
  ReceiptStore,
  Signer,
} from '../ports.ts';
import { buildManifest, endStateOf } from './build-manifest.ts';
import { DeadLetterLines } from './dead-letter-lines.ts';
import { limitedDesk } from './limited-desk.ts';
import { isNoteworthyRevision, notifyOfRevision } from './notify-of-revision.ts';
import { oneLine } from './one-line.ts';
import { ReceiptsAudit } from './receipts-audit.ts';
import type { Resolutions } from './resolutions.ts';
import { archiveResolutions, readResolutions } from './resolutions.ts';
import { announceSignature, signManifest } from './sign-manifest.ts';
import { mustHaveSha256, sha256OfArchived } from './sha256-of-archived.ts';
import type { ReportedFeed } from './write-report.ts';
import { writeReport } from './write-report.ts';

export interface FinalizerPorts {
  ledger: FileLedger & BatchLedger & DeadLedger & Pick<DeskLedger, 'countNotice'>;
  receipts: ReceiptStore;
  archive: Archive;
  archiveBucket: string;
  /** A feed's data for reports; undefined for a feed that is no longer deployed. */
  reported: (feed: string) => ReportedFeed | undefined;
  /** Absent if manifests are not signed. */
  signer?: Signer | undefined;
  finalize: FinalizeQueue;
  desk: Desk;
  events: EventPublisher;
  clock: Clock;
  log: AuditLog;
  version: string;
}

/** Receipts objects that are prefetched while one is read. */
const fetchAhead = 8;

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

  const settled = await settledBatches(file, ports);
  if (!settled) return log.info('not every batch is settled yet', place);
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
  if (amend && !(await hasChanged(file, audit, ports))) return log.info('nothing to amend', place);
  const { manifest, written } = await writeManifest({ file, audit, held: settled.held, facts, keys }, ports, {
    source_key: source?.key ?? null,
    ...archived,
    ...(await archiveResolutions(file.fileId, resolutions, keys, ports)),
  });
  const figures = loggedFigures(manifest);
  if (!manifest.reconciled) log.error('the account does not add up', { ...place, ...figures });
  // Before the file is closed, so that the event is published at least once; the manifest's key identifies a repetition.
  await ports.events.publish(eventOf(manifest, amend), figures);
  if (manifest.state === 'quarantined' && !amend) {
    await notifyOfQuarantine(manifest, { desk: limitedDesk(manifest.feed, 'stopped', ports) });
  }
  if (manifest.state === 'duplicate') {
    await notifyOfDuplicate(manifest, { desk: limitedDesk(manifest.feed, 'duplicate', ports) });
  }
  if (isNoteworthyRevision(manifest) && !amend) {
    await notifyOfRevision(manifest, limitedDesk(manifest.feed, 'revision', ports));
  }
  const closed = await ledger.closeFile(file.fileId, {
    state: manifest.state,
    manifest: { key: manifest.archive.manifest_key, number: manifest.manifest_number },
    figures: written,
    openLetters: manifest.dead_lettered_records,
  });
  log.info(closed ? 'file closed' : 'file was closed by another finalizer', { ...place, ...figures });
}

/** Whether more was resolved than the newest manifest says. */
async function hasChanged(file: FileAccount, audit: ReceiptsAudit, ports: FinalizerPorts): Promise<boolean> {
  const newest = await ports.archive.getText(file.manifest?.key ?? '');
  return newest === undefined || !tells(manifestSchema.parse(JSON.parse(newest)), file, audit);
}

/**
 * Whether a manifest describes this state of the account: since then, dead letters may be resolved or held records sent.
 */
function tells(manifest: Manifest, file: FileAccount, audit: ReceiptsAudit): boolean {
  const isSame = manifest.resolved_records === audit.resolved && manifest.handled_records === audit.handled;
  return isSame && manifest.state === endStateOf(file);
}

interface SettledBatches {
  /** In order. */
  batches: BatchAccount[];
  /** Records of batches that were never sent. */
  held: HeldRange[];
}

/** All of the file's batches; undefined while one is open or missing. */
async function settledBatches(file: FileAccount, ports: FinalizerPorts): Promise<SettledBatches | undefined> {
  const batches: BatchAccount[] = [];
  for await (const batch of ports.ledger.listBatches(file.fileId)) {
    if (batch.state !== 'settled') return undefined;
    // Held when the file was stopped, and not sent since it was released.
    if (file.release && (batch.counts?.held ?? 0) > 0) return undefined;
    // Progress is deleted by now, so 100,000 batches need little memory.
    batches.push(batch);
  }
  const total = sendableBatches(file) ?? 0;
  // For a stopped file, the batches that were sent. Others may also have reached a consumer, if a splitter was killed
  // before it noted that it had sent them: they belong to the account as well.
  const sent = isQuarantined(file) ? (file.sentBatches ?? total) : total;
  const known = batches.filter(({ batch }) => batch <= sent);
  // For a replaced file, a killed splitter may have sent more than its last checkpoint shows.
  const isWhole = known.length === sent && (file.state === 'superseded' || batches.length <= total);
  return isWhole ? { batches, held: file.state === 'superseded' ? [] : rangesBetween(batches, file) } : undefined;
}

/** The records of the missing batches. */
function rangesBetween(batches: readonly BatchAccount[], file: FileAccount): HeldRange[] {
  const ranges: HeldRange[] = [];
  let next = 1;
  for (const { firstRecord, records } of batches) {
    if (firstRecord > next) ranges.push({ first_record: next, last_record: firstRecord - 1 });
    next = firstRecord + records;
  }
  const last = file.totalRecords ?? 0;
  if (endsInQuarantine(file) && next <= last) ranges.push({ first_record: next, last_record: last });
  return endsInQuarantine(file) ? ranges : [];
}

function eventOf(manifest: Manifest, amend: boolean): string {
  if (amend) return 'file amended';
  return manifest.state === 'quarantined' ? 'file quarantined' : 'file completed';
}

/** Sent now, not with the reconciler's next list: a wrong file was dropped, and the right one is missing. */
function notifyOfQuarantine(manifest: Manifest, { desk }: Pick<FinalizerPorts, 'desk'>): Promise<void> {
  const { feed, file_id: id, source, failure, archive } = manifest;
  const count = (figure: number) => figure.toLocaleString('en-US');
  return desk.notify(
    `Sluice ${feed}: a file was stopped, ${count(manifest.held_records)} records are held`,
    [
      `${oneLine(source.key)} (file ${id}) was stopped.`,
      failure?.message ?? '',
      '',
      `uploaded ${count(manifest.uploaded_records)}, rejected ${count(manifest.rejected_records)}, ` +
        `held ${count(manifest.held_records)}, total ${count(manifest.total_records)}`,
      `Manifest: s3://${archive.bucket}/${archive.manifest_key}`,
      '',
      'What to do:',
      ...(failure?.code === 'other_header'
        ? [
            '- The records before that line were sent as usual. Cut the file there and drop the rest, with its own header, as a',
            '  file of its own. It can not be released: its rows would be read by the wrong header.',
          ]
        : failure?.code === 'revision_unknown' || failure?.code === 'revision_order'
          ? [
              '- Enter the changes in the API by hand, or remove the earlier entries there first.',
              `- sluice release ${id} --why "..."  then sends all of its records, as new ones.`,
            ]
          : [
              '- If it is a wrong file: drop the right one. No more of this file is sent; its uploaded records stay uploaded.',
              `- If it is the right file: sluice release ${id} --why "..."  sends the held records, and only those.`,
            ]),
      '',
    ].join('\n'),
  );
}

/** The sender may have intended something else: nothing of the file was sent. */
function notifyOfDuplicate(manifest: Manifest, { desk }: Pick<FinalizerPorts, 'desk'>): Promise<void> {
  const { feed, file_id: id, source, duplicate_of: first, archive } = manifest;
  return desk.notify(
    `Sluice ${feed}: a file was not sent, it has the same bytes as an earlier one`,
    [
      `Nothing of ${oneLine(source.key)} (file ${id}) was sent.`,
      `The file ${first ?? 'unknown'} has the same bytes, was read in the same way, and is in progress or was accepted.`,
      `Manifest: s3://${archive.bucket}/${archive.manifest_key}`,
      '',
      'What to do:',
      `- Nothing, if the same export was dropped twice. What happened to its records:  sluice status ${first ?? ''}`,
      '- If it should have other contents: export it again and drop that file.',
      '',
    ].join('\n'),
  );
}

type ArchivedReceipts = Pick<
  Manifest['archive'],
  'receipts_key' | 'receipts_sha256' | 'dead_letters_key' | 'dead_letters_sha256'
>;

/** Stores the receipts of all batches as one object (concatenated gzip members are a gzip), and audits them meanwhile. */
async function archiveReceipts(
  file: FileAccount,
  { batches, held }: SettledBatches,
  resolutions: Resolutions,
  keys: ArchiveKeys,
  facts: ReportFacts,
  ports: FinalizerPorts,
): Promise<{ audit: ReceiptsAudit } & ArchivedReceipts> {
  const { archive } = ports;
  const failed = new DeadLetterLines((body) => archive.putStream(keys.deadLetters, body, 'application/gzip'));
  const hasDeadLetters = await archive.has(keys.deadLetters);
  const audit = new ReceiptsAudit(
    resolutions.kinds,
    { allowGaps: file.state === 'superseded', held },
    {
      onFailed: (line) => {
        if (!hasDeadLetters) failed.add(line);
      },
      onReceipt: (receipt, resolution) => facts.add(receipt, resolution),
    },
  );
  let deadLettersSha256: string | null;
  const areReceiptsThere = batches.length > 0 && (await archive.has(keys.receipts));
  const audited = auditedReceipts(batches, audit, failed, ports.receipts);
  try {
    if (batches.length === 0 || areReceiptsThere) {
      // Read nevertheless: the account is computed from them each time.
      for await (const _ of audited);
    } else {
      await archive.putStream(keys.receipts, Readable.from(audited), 'application/gzip');
    }
    deadLettersSha256 = await failed.end();
  } catch (error) {
    failed.abort(error instanceof Error ? error : new Error(String(error)));
    throw error;
  }
  const hasReceipts = audit.records > 0;
  const receiptsSha256 = audit.takeObjectSha256();
  // Only these bytes are possible: batches are pinned by their hashes, and the object is their concatenation.
  if (areReceiptsThere) await mustHaveSha256(keys.receipts, receiptsSha256, archive);
  // An earlier finalizer compressed these, possibly to different bytes for the same lines.
  if (hasDeadLetters) deadLettersSha256 = await sha256OfArchived(keys.deadLetters, archive);
  return {
    audit,
    receipts_key: hasReceipts ? keys.receipts : null,
    receipts_sha256: hasReceipts ? receiptsSha256 : null,
    dead_letters_key: deadLettersSha256 === null ? null : keys.deadLetters,
    dead_letters_sha256: deadLettersSha256,
  };
}

async function* auditedReceipts(
  batches: BatchAccount[],
  audit: ReceiptsAudit,
  failed: DeadLetterLines,
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
    await failed.drained();
    yield gzip;
  }
}

/** The data of a manifest. */
interface Account {
  file: FileAccount;
  audit: ReceiptsAudit;
  held: readonly HeldRange[];
  facts: ReportFacts;
  keys: ArchiveKeys;
}

type NamedObjects = Omit<Manifest['archive'], 'bucket' | 'manifest_key' | 'report_key' | 'report_sha256'>;

/**
 * Never overwrites: a different manifest with that number was written for another state of the account, and the next one
 * follows it in the chain. The manifest is signed after it is stored, so that a signature always covers the bytes of an
 * existing object; and only if it says what this finalizer found, no matter which finalizer wrote it.
 */
async function writeManifest(
  account: Account,
  ports: FinalizerPorts,
  named: NamedObjects,
): Promise<{ manifest: Manifest; written: ManifestFigures[] }> {
  const { file, facts, keys } = account;
  const written: ManifestFigures[] = [];
  for (let number = (file.manifest?.number ?? 0) + 1; ; number++) {
    const key = keys.manifest(number);
    const unreported = await makeManifest(account, number, ports, named);
    let text = await ports.archive.getText(key);
    if (text === undefined) {
      // The report first: the manifest names it by the SHA-256 of its bytes.
      const report = await writeReport(unreported, facts, keys, ports);
      const archive = { ...unreported.archive, ...report };
      const made = `${JSON.stringify({ ...unreported, archive }, null, 2)}\n`;
      const isStored = (await ports.archive.putOnce(key, made, 'application/json')) === 'stored';
      text = isStored ? made : ((await ports.archive.getText(key)) ?? 'null');
    }
    const there = manifestSchema.parse(JSON.parse(text));
    written.push(figuresOf(there, sha256Of(text)));
    if (isSameAccount(there, unreported) && (await signManifest(text, there, ports)))
      return { manifest: there, written };
  }
}

/** Without its report. */
async function makeManifest(
  { file, audit, held, keys }: Account,
  number: number,
  ports: FinalizerPorts,
  named: NamedObjects,
): Promise<Manifest> {
  const { archive, archiveBucket: bucket } = ports;
  return buildManifest({
    file,
    audit,
    held,
    number,
    previousSha256: number === 1 ? null : await sha256OfArchived(keys.manifest(number - 1), archive),
    version: ports.version,
    completedAt: ports.clock.now(),
    archive: { bucket, ...named, report_key: null, report_sha256: null, manifest_key: keys.manifest(number) },
    signature: await announceSignature(number, keys, ports),
  });
}

/** Ignores what differs between two finalizers for the same account: version, time, key and report. */
function isSameAccount(there: Manifest, made: Manifest): boolean {
  const { tool_version, signature } = there;
  const { report_key, report_sha256 } = there.archive;
  const { completed, duration_seconds } = there.times;
  const expected = {
    ...made,
    tool_version,
    signature,
    archive: { ...made.archive, report_key, report_sha256 },
    times: { ...made.times, completed, duration_seconds },
  };
  return isDeepStrictEqual(there, manifestSchema.parse(expected));
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
