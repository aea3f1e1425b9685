import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline, Transform } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { Manifest } from '../../lambdas/core/manifest.ts';
import { MerkleRoot } from '../../lambdas/core/merkle.ts';
import { isFailed, noCounts, outcomes, sumCounts } from '../../lambdas/core/outcome.ts';
import type { Receipt } from '../../lambdas/core/receipt.ts';
import { receipt as receiptSchema } from '../../lambdas/core/receipt.ts';
import { ContentReader } from './content-reader.ts';
import { readLines } from './read-lines.ts';

/** The archive's files on this machine; undefined where one isn't at hand. */
export interface EvidenceFiles {
  source?: string | undefined;
  receipts?: string | undefined;
  deadLetters?: string | undefined;
  resolutions?: string | undefined;
}

/** What holds, in the order in which it was looked at. */
export interface Verified {
  sentence: string;
  /** It could not be looked at: the file that it takes isn't there. */
  isSkipped?: boolean;
}

/** How far a long reading is: receipts, each with its place in the source, or the bytes of the source alone. */
export interface VerifyProgress {
  what: 'receipts' | 'source bytes';
  done: number;
  whole: number;
}

export type OnProgress = (progress: VerifyProgress) => void;

/** Receipts between two tellings. */
const tellEvery = 1_000;

/** What does not hold. */
export class DoesNotHoldError extends Error {
  override readonly name = 'DoesNotHoldError';
}

/**
 * Computes a file's account anew from its evidence alone, and gives what holds.
 * @param onProgress is told now and then how far it is
 * @throws DoesNotHoldError at the first thing that doesn't, with its place
 */
export async function* verifyAccount(
  manifest: Manifest,
  files: EvidenceFiles,
  onProgress: OnProgress,
): AsyncGenerator<Verified> {
  yield checkSum(manifest);
  const resolutions = await readResolutions(manifest, files.resolutions);
  if (resolutions.size > 0) yield { sentence: `the resolutions are the ones that the manifest names` };
  if (manifest.archive.receipts_key === null) {
    mustHold(sumOf(manifest) === manifest.held_records, 'the manifest names no receipts, though records were sent');
    yield { sentence: 'there are no receipts, and no record that should have one' };
  } else if (files.receipts === undefined) {
    yield { sentence: 'the receipts are not here: nothing is known of single records', isSkipped: true };
  } else yield* checkReceipts(manifest, { ...files, receipts: files.receipts }, resolutions, onProgress);
  if (files.source === undefined) {
    yield { sentence: 'the source is not here: its checksum was not computed', isSkipped: true };
  } else if (manifest.archive.receipts_key === null) {
    yield await checkSource(manifest, files.source, onProgress);
  }
}

function mustHold(holds: boolean, sentence: string): asserts holds {
  if (!holds) throw new DoesNotHoldError(sentence);
}

const sumOf = (manifest: Manifest): number =>
  outcomes.reduce((sum, outcome) => sum + manifest[`${outcome}_records`], 0);

function checkSum(manifest: Manifest): Verified {
  const { total_records: total, rejected_records: rejected, reconciled } = manifest;
  mustHold(
    sumOf(manifest) === total,
    `the outcomes are ${sumOf(manifest)} in all, and the manifest's total is ${total}`,
  );
  mustHold(manifest.valid_records === total - rejected, 'valid_records is not the total less the rejected');
  const open = rejected + manifest.refused_records + manifest.exhausted_records - manifest.handled_records;
  mustHold(
    manifest.dead_lettered_records === open,
    `${open} dead letters should be open, the manifest says ${manifest.dead_lettered_records}`,
  );
  mustHold(reconciled, 'the manifest itself says that it is not reconciled');
  return { sentence: `the sum is exact: ${total} records` };
}

type Resolution = 'uploaded' | 'duplicate' | 'handled';

async function readResolutions(
  { archive: { resolutions_key: key } }: Manifest,
  path: string | undefined,
): Promise<Map<number, Resolution>> {
  const kinds = new Map<number, Resolution>();
  if (key === null) return kinds;
  mustHold(path !== undefined, `the manifest was amended; ${key} is needed, and not here`);
  const hash = createHash('sha256');
  for await (const line of readLines(path)) {
    hash.update(`${line}\n`);
    const { record, resolution } = JSON.parse(line) as { record: number; resolution: Resolution };
    kinds.set(record, resolution);
  }
  const digest = hash.digest('hex').slice(0, 16);
  mustHold(
    key.endsWith(`resolutions.${digest}.ndjson`),
    `the resolutions' SHA-256 begins with ${digest}; the manifest names ${key}`,
  );
  return kinds;
}

async function* checkReceipts(
  manifest: Manifest,
  files: EvidenceFiles & { receipts: string },
  resolutions: ReadonlyMap<number, Resolution>,
  onProgress: OnProgress,
): AsyncGenerator<Verified> {
  yield* checkObjects(manifest, files);
  const source = files.source === undefined ? undefined : openSource(manifest, files.source);
  const dead = files.deadLetters === undefined ? undefined : readLines(files.deadLetters);
  const heldUntil = new Map(manifest.held_ranges.map((range) => [range.first_record, range.last_record]));
  const counts = noCounts();
  for (const { first_record: first, last_record: last } of manifest.held_ranges) counts.held += last - first + 1;
  const [records, receipts] = [new MerkleRoot(), new MerkleRoot()];
  const tally = { resolved: 0, handled: 0 };
  const whole = manifest.total_records - counts.held;
  let last = 0;
  for await (const line of readLines(files.receipts)) {
    const receipt = parseReceipt(line, last);
    const expected = (heldUntil.get(last + 1) ?? last) + 1;
    const follows = manifest.state === 'superseded' ? receipt.record > last : receipt.record === expected;
    mustHold(follows, `the receipts have record ${receipt.record} where ${expected} should be`);
    last = receipt.record;
    records.add(Buffer.from(receipt.sha256, 'hex'));
    receipts.add(Buffer.from(line));
    if (receipts.leaves % tellEvery === 0) onProgress({ what: 'receipts', done: receipts.leaves, whole });
    count(receipt, resolutions.get(receipt.record), counts, tally);
    if (source && !isUnread(receipt)) {
      const actual = await source.content.sha256At(receipt.offset, receipt.length);
      mustHold(
        actual === receipt.sha256,
        `record ${receipt.record}: the source at byte ${receipt.offset} is not what its receipt says`,
      );
    }
    if (dead && isFailed(receipt.outcome)) {
      const next = await dead.next();
      mustHold(
        next.value === line,
        `record ${receipt.record} failed, and its line in the dead letters differs or is missing`,
      );
    }
  }
  mustHold(
    dead === undefined || (await dead.next()).done === true,
    'there is a dead letter of a record that did not fail',
  );
  for (const outcome of outcomes) {
    const told = manifest[`${outcome}_records`];
    mustHold(
      counts[outcome] === told,
      `${counts[outcome]} records are ${outcome} by the receipts, ${told} by the manifest`,
    );
  }
  mustHold(
    tally.resolved === manifest.resolved_records,
    `${tally.resolved} records were resolved, the manifest says ${manifest.resolved_records}`,
  );
  mustHold(
    tally.handled === manifest.handled_records,
    `${tally.handled} records were handled, the manifest says ${manifest.handled_records}`,
  );
  yield { sentence: `the receipts have each record once, and come to the manifest's counts (${sumCounts(counts)})` };
  if (dead) yield { sentence: 'the dead letters are the failed records, line by line' };
  yield checkRoots(manifest, records, receipts);
  if (!source) return;
  await source.content.toEnd();
  yield { sentence: 'each record stands in the source where its receipt says, with the same bytes' };
  yield checkDigest(manifest, source.sha256());
}

/** Compressed as they lie there: a gzip's own head and foot hold more than its lines. */
async function* checkObjects({ archive }: Manifest, files: EvidenceFiles): AsyncGenerator<Verified> {
  for (const [what, path, told] of [
    ['receipts', files.receipts, archive.receipts_sha256],
    ['dead letters', files.deadLetters, archive.dead_letters_sha256],
  ] as const) {
    // Manifests from before say nothing of them.
    if (path === undefined || told === null) continue;
    const actual = await sha256OfFile(path);
    mustHold(actual === told, `the SHA-256 of the ${what} is ${actual}; the manifest says ${told}`);
    yield { sentence: `the ${what} are, byte by byte, those that the manifest names` };
  }
}

async function sha256OfFile(path: string, onBytes: (done: number) => void = () => undefined): Promise<string> {
  const hash = createHash('sha256');
  let done = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    onBytes((done += chunk.length));
  }
  return hash.digest('hex');
}

function parseReceipt(line: string, last: number): Receipt {
  try {
    return receiptSchema.parse(JSON.parse(line));
  } catch {
    throw new DoesNotHoldError(`the receipt behind record ${last} can't be read`);
  }
}

/** A member of a bundle that was gone has no bytes; all else can be held against the source. */
const isUnread = ({ length }: Receipt): boolean => length === 0;

function count(
  { outcome }: Receipt,
  resolution: Resolution | undefined,
  counts: ReturnType<typeof noCounts>,
  tally: { resolved: number; handled: number },
): void {
  if (isFailed(outcome) && resolution === 'handled') tally.handled++;
  if (!isFailed(outcome) || resolution === undefined || resolution === 'handled') {
    counts[outcome]++;
    return;
  }
  counts[resolution]++;
  tally.resolved++;
}

function checkRoots({ proof }: Manifest, records: MerkleRoot, receipts: MerkleRoot): Verified {
  if (!proof) return { sentence: 'the manifest is from before proofs: it has no Merkle roots', isSkipped: true };
  mustHold(proof.leaves === records.leaves, `the tree has ${records.leaves} leaves, ${proof.leaves} by the manifest`);
  mustHold(proof.records_root === records.root().toString('hex'), 'the Merkle root over the records differs');
  mustHold(proof.receipts_root === receipts.root().toString('hex'), 'the Merkle root over the receipts differs');
  return { sentence: 'the Merkle roots over records and receipts are the manifest’s' };
}

/** The source as it lies there, hashed as it is read, and its content. */
function openSource({ compression }: Manifest, path: string) {
  const hash = createHash('sha256');
  const tap = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  const file = createReadStream(path, { highWaterMark: 1024 * 1024 });
  const content =
    compression === 'gzip'
      ? pipeline(file, tap, createGunzip(), () => undefined)
      : pipeline(file, tap, () => undefined);
  return { content: new ContentReader(content), sha256: () => hash.digest('hex') };
}

async function checkSource(manifest: Manifest, path: string, onProgress: OnProgress): Promise<Verified> {
  const onBytes = (done: number): void => onProgress({ what: 'source bytes', done, whole: manifest.bytes });
  return checkDigest(manifest, await sha256OfFile(path, onBytes));
}

function checkDigest({ checksum }: Manifest, actual: string): Verified {
  mustHold(checksum === actual, `the source's SHA-256 is ${actual}; the manifest says ${checksum ?? 'none'}`);
  return { sentence: `the source's SHA-256 is the manifest's: ${actual}` };
}
