import { wasReplaced } from '../core/account/quarantine.ts';
import { Readable } from 'node:stream';
import type { ArchiveKeys } from '../core/account/archive-keys.ts';
import type { BatchAccount, FileAccount } from '../core/account/file-account.ts';
import type { Manifest } from '../core/account/manifest.ts';
import type { ReportFacts } from '../core/report/report-facts.ts';
import type { ReceiptStore } from '../ports.ts';
import { DeadLetterLines } from './dead-letter-lines.ts';
import type { FinalizerPorts } from './finalizer-ports.ts';
import { ReceiptsAudit } from './receipts-audit.ts';
import type { Resolutions } from './resolutions.ts';
import type { SettledBatches } from './settled-batches.ts';
import { mustHaveSha256, sha256OfArchived } from '../archived-sha256.ts';

/** Receipts objects that are prefetched while one is read. */
const fetchAhead = 8;

type ArchivedReceipts = Pick<
  Manifest['archive'],
  'receipts_key' | 'receipts_sha256' | 'dead_letters_key' | 'dead_letters_sha256'
>;

/** Stores the receipts of all batches as one object (concatenated gzip members are a gzip), and audits them meanwhile. */
export async function archiveReceipts(
  file: FileAccount,
  { batches, held }: SettledBatches,
  resolutions: Resolutions,
  keys: ArchiveKeys,
  facts: ReportFacts,
  ports: Pick<FinalizerPorts, 'archive' | 'receipts'>,
): Promise<{ audit: ReceiptsAudit } & ArchivedReceipts> {
  const { archive } = ports;
  const failed = new DeadLetterLines((body) => archive.putStream(keys.deadLetters, body, 'application/gzip'));
  const hasDeadLetters = await archive.has(keys.deadLetters);
  const audit = new ReceiptsAudit(
    resolutions.kinds,
    { allowGaps: wasReplaced(file), held },
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
