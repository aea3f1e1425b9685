import { createHash } from 'node:crypto';
import { Transform, pipeline } from 'node:stream';
import type { ArchiveKeys } from '../core/account/archive-keys.ts';
import type { FileAccount } from '../core/account/file-account.ts';
import type { HeldRange, Manifest } from '../core/account/manifest.ts';
import { manifest as manifestSchema } from '../core/account/manifest.ts';
import type { ReceiptsFacts } from '../core/account/receipts-facts.ts';
import { ContradictionError } from '../core/errors.ts';
import { sha256Of } from '../core/records/identity.ts';
import { ReportFacts } from '../core/report/report-facts.ts';
import { Timeline } from '../core/report/timeline.ts';
import { gzipLines } from '../dead-letters/gzip-lines.ts';
import type { Deadline } from '../runtime/deadline.ts';
import type { Archive } from '../ports.ts';
import type { DeadLettersAccount } from './apply-resolutions.ts';
import { applyResolutions } from './apply-resolutions.ts';
import type { Closing } from './closing.ts';
import { copySource } from './copy-source.ts';
import type { Count } from './count-receipts.ts';
import { countReceipts } from './count-receipts.ts';
import type { FinalizerPorts } from './finalizer-ports.ts';

type ArchivedEvidence = Pick<
  Manifest['archive'],
  'source_key' | 'receipts_key' | 'receipts_sha256' | 'dead_letters_key' | 'dead_letters_sha256'
>;

/** What a file's receipts say, and where they are. */
export interface Counted {
  facts: ReceiptsFacts;
  held: HeldRange[];
  archived: Omit<ArchivedEvidence, 'dead_letters_sha256'> & {
    /** Null if it is not known yet. */
    dead_letters_sha256: string | null;
  };
  /** The manifest that this was taken from, if the receipts were counted before. */
  newest?: Manifest;
}

/** A file's account, as its manifest has it. */
export type Audit = Omit<ReceiptsFacts, 'timeline' | 'failed' | 'counts'> &
  Omit<DeadLettersAccount, 'resolutions'> & {
    /** Records in the ranges that were never sent. */
    heldUnsent: number;
  };

/**
 * What the file's newest manifest is made of. It is checked against the ledger, as is all that comes back from the archive.
 * Undefined if the ledger has not kept it: then all receipts are counted again.
 * @throws ContradictionError if the manifest in the archive is not the one that was written
 */
export async function countedBefore(
  file: FileAccount,
  { ledger, archive }: Pick<FinalizerPorts, 'ledger' | 'archive'>,
): Promise<Counted | undefined> {
  const { manifest } = file;
  const kept = manifest && (await ledger.getCounted(file.fileId, manifest.number));
  const text = kept && (await archive.getText(manifest.key));
  if (!kept || text === undefined) return undefined;
  if (sha256Of(text) !== kept.manifestSha256) {
    throw new ContradictionError(`The manifest ${manifest.key} is not the one that the ledger has noted.`);
  }
  const newest = manifestSchema.parse(JSON.parse(text));
  const { receipts_key, receipts_sha256, source_key, dead_letters_key, dead_letters_sha256 } = newest.archive;
  const archived = { source_key, receipts_key, receipts_sha256, dead_letters_key, dead_letters_sha256 };
  return { facts: kept.facts, held: newest.held_ranges, archived, newest };
}

/** Copies the source and counts all receipts, for a first manifest, or one of which the ledger has kept nothing. */
export async function countAll(
  file: FileAccount,
  keys: ArchiveKeys,
  closing: Closing,
  ports: FinalizerPorts,
  deadline: Deadline,
): Promise<{ kind: 'counted'; counted: Counted } | Exclude<Count, { kind: 'counted' }>> {
  const copied = await copySource(file, keys, closing, ports, deadline);
  if (copied.kind !== 'copied') return copied;
  const count = await countReceipts(file, keys, closing, ports, deadline);
  if (count.kind !== 'counted') return count;
  const { facts, held, receiptsSha256 } = count;
  const archived = {
    source_key: copied.key,
    receipts_key: receiptsSha256 === null ? null : keys.receipts,
    receipts_sha256: receiptsSha256,
    dead_letters_key: facts.failed.lines === 0 ? null : keys.deadLetters,
    dead_letters_sha256: null,
  };
  return { kind: 'counted', counted: { facts, held, archived } };
}

/**
 * Applies what has become of the dead letters, and returns the account.
 * @throws ContradictionError if the dead letters in the archive are not those that were counted
 */
export async function auditFile(
  fileId: string,
  { facts, held, archived }: Counted,
  ports: Pick<FinalizerPorts, 'archive' | 'ledger'>,
): Promise<{
  audit: Audit;
  archived: ArchivedEvidence;
  reportFacts: ReportFacts;
  resolutions: DeadLettersAccount['resolutions'];
}> {
  const reportFacts = new ReportFacts(new Timeline(undefined, facts.timeline));
  const hash = createHash('sha256');
  const lines = linesOf(archived.dead_letters_key, ports.archive, (bytes) => hash.update(bytes));
  const { resolutions, counts, ...dead } = await applyResolutions(
    facts,
    lines,
    ports.ledger.listDead(fileId),
    reportFacts,
  );
  const sha256 = archived.dead_letters_key === null ? null : hash.digest('hex');
  if (archived.dead_letters_sha256 !== null && archived.dead_letters_sha256 !== sha256) {
    throw new ContradictionError(`The archive's object ${archived.dead_letters_key} has the SHA-256 ${sha256}.`);
  }
  const heldUnsent = held.reduce((sum, { first_record: first, last_record: last }) => sum + last - first + 1, 0);
  const audit = { ...facts, ...dead, counts: { ...counts, held: counts.held + heldUnsent }, heldUnsent };
  return { audit, archived: { ...archived, dead_letters_sha256: sha256 }, reportFacts, resolutions };
}

/** @param onBytes is called with the bytes as stored */
async function* linesOf(
  key: string | null,
  archive: Pick<Archive, 'getStream'>,
  onBytes: (bytes: Buffer) => void,
): AsyncGenerator<string> {
  if (key === null) return;
  const stream = await archive.getStream(key);
  if (!stream) throw new ContradictionError(`The archive's object ${key} can't be found.`);
  const tap = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      onBytes(chunk);
      done(null, chunk);
    },
  });
  // An error is thrown where the lines are read.
  pipeline(stream, tap, () => undefined);
  for await (const lines of gzipLines(tap)) for (const line of lines) if (line !== '') yield line;
}
