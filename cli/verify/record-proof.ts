import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { sha256Of } from '../../lambdas/core/records/identity.ts';
import type { Manifest } from '../../lambdas/core/account/manifest.ts';
import { isOfReplaced } from '../../lambdas/core/account/manifest.ts';
import { MerkleProof, rootOf } from '../../lambdas/core/account/merkle.ts';
import { receipt as receiptSchema } from '../../lambdas/core/account/receipt.ts';
import { CliError } from '../cli-error.ts';
import { checkManifest } from './check-manifest.ts';
import type { ReadManifest } from './read-manifest.ts';
import type { CheckedReceipt } from './read-receipt.ts';
import { readReceipt } from './read-receipt.ts';
import type { Verified } from './verified.ts';
import { mustHold } from './verified.ts';

const hex = z.string().regex(/^[0-9a-f]{64}$/);

/** Proof that a record's receipt is among those of a manifest. Version 1 of the documented format. */
export const recordProof = z.object({
  sluice_proof: z.literal(1),
  file_id: z.string(),
  manifest_number: z.int().positive(),
  /** Of the manifest's bytes. */
  manifest_sha256: hex,
  /** The line in the receipts, byte by byte: a leaf of the tree. */
  receipt: z.string(),
  /** The leaf's index, from 0. */
  index: z.int().nonnegative(),
  leaves: z.int().positive(),
  receipts_root: hex,
  /** From the leaf's sibling up to the root's child. */
  path: z.array(z.object({ side: z.enum(['left', 'right']), hash: hex })),
});
export type RecordProof = z.infer<typeof recordProof>;

/**
 * @param receipts opens the lines; called twice, since only one line is kept in memory
 * @throws CliError if the manifest has no roots, or the receipts have no such record
 */
export async function proveRecord(
  record: number,
  { text, manifest }: { text: string; manifest: Manifest },
  receipts: () => Promise<AsyncIterable<string>>,
): Promise<RecordProof> {
  const { proof, file_id } = manifest;
  if (!proof) throw new CliError(`The manifest of ${file_id} has no Merkle roots: nothing can be proved with it.`);
  const leaf = await findReceipt(record, await receipts());
  if (!leaf) throw new CliError(`The receipts of ${file_id} have no record ${record}.`);
  const way = new MerkleProof(leaf.index, proof.leaves);
  for await (const line of await receipts()) way.add(Buffer.from(line));
  const steps = way.steps();
  if (rootOf(Buffer.from(leaf.receipt), steps).toString('hex') !== proof.receipts_root) {
    throw new CliError(`The receipts of ${file_id} do not match its manifest: no proof can be made.`);
  }
  return {
    sluice_proof: 1,
    file_id,
    manifest_number: manifest.manifest_number,
    manifest_sha256: sha256Of(text),
    ...leaf,
    leaves: proof.leaves,
    receipts_root: proof.receipts_root,
    path: steps.map(({ side, hash }) => ({ side, hash: hash.toString('hex') })),
  };
}

/** The leaf's index is known only from the receipts, since held records have none. */
async function findReceipt(
  record: number,
  receipts: AsyncIterable<string>,
): Promise<{ receipt: string; index: number } | undefined> {
  let index = 0;
  for await (const receipt of receipts) {
    if (recordOf(receipt) === record) return { receipt, index };
    index++;
  }
  return undefined;
}

const recordOf = (line: string): number =>
  Number(/^\{"record":([0-9]+)/.exec(line)?.[1] ?? receiptSchema.parse(JSON.parse(line)).record);

/** A tree of 2^53 leaves has no longer path. */
const maxPath = 64;

/**
 * What the proof shows about its record. Without the manifest, only that receipt and root belong together.
 * @throws DoesNotHoldError at the first check that fails
 */
export function* verifyRecordProof(json: object, manifest: ReadManifest | undefined): Generator<Verified> {
  const read = recordProof.safeParse(json);
  mustHold(read.success && isDeepStrictEqual(json, read.data), 'the proof does not have the form of a proof');
  const proof = read.data;
  mustHold(proof.receipt.isWellFormed() && !proof.receipt.includes('\n'), 'the receipt is not a line of text');
  const line = Buffer.from(proof.receipt);
  const receipt = readReceipt(line, 'the receipt');
  mustHold(proof.path.length <= maxPath, 'the path from the receipt is too long');
  const steps = proof.path.map(({ side, hash }) => ({ side, hash: Buffer.from(hash, 'hex') }));
  mustHold(
    rootOf(line, steps).toString('hex') === proof.receipts_root,
    'the path from the receipt does not lead to the root',
  );
  mustHold(indexOf(proof) === proof.index, 'the path from the receipt does not belong to its leaf');
  if (manifest) checkManifestOf(proof, receipt, manifest);
  const { record, sha256, outcome, request_id, status, at } = receipt;
  const request = request_id === null ? 'never sent' : `request ${request_id}`;
  yield {
    sentence: `record ${record} (SHA-256 ${sha256}) is ${outcome}: ${request}, status ${status ?? 'none'}, ${at}`,
  };
  yield { sentence: `its receipt is one of ${proof.leaves} under the root ${proof.receipts_root}` };
  const named = `manifest ${proof.manifest_number} of the file ${proof.file_id}`;
  yield manifest
    ? { sentence: `the root is that of ${named}` }
    : { sentence: `whether the root is that of ${named} was not checked: --manifest`, isSkipped: true };
}

function checkManifestOf(proof: RecordProof, { record }: CheckedReceipt, { manifest, bytes }: ReadManifest): void {
  checkManifest(manifest);
  mustHold(sha256Of(bytes) === proof.manifest_sha256, 'the proof refers to another manifest');
  mustHold(manifest.manifest_number === proof.manifest_number, 'the manifest has another number');
  mustHold(manifest.file_id === proof.file_id, 'the manifest is of another file');
  mustHold(manifest.proof?.receipts_root === proof.receipts_root, 'the manifest has another root');
  mustHold(manifest.proof.leaves === proof.leaves, 'the manifest has another number of leaves');
  // An unknown set of a replaced file's records is missing.
  if (isOfReplaced(manifest)) return;
  const held = manifest.held_ranges.filter(({ first_record: first }) => first < record);
  const before = held.reduce((sum, { first_record: first, last_record: last }) => sum + last - first + 1, 0);
  mustHold(record - 1 - before === proof.index, `record ${record} has another position among the receipts`);
}

/** The index of the leaf with a path of these sides, in a tree of that size. */
function indexOf({ path, leaves }: RecordProof): number | undefined {
  let [from, size] = [0, leaves];
  for (const { side } of path.toReversed()) {
    if (size <= 1) return undefined;
    let half = 1;
    while (half * 2 < size) half *= 2;
    if (side === 'left') from += half;
    size = side === 'left' ? size - half : half;
  }
  return size === 1 ? from : undefined;
}
