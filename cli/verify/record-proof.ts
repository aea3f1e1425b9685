import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Manifest } from '../../lambdas/core/manifest.ts';
import { MerkleProof, rootOf } from '../../lambdas/core/merkle.ts';
import type { Receipt } from '../../lambdas/core/receipt.ts';
import { receipt as receiptSchema } from '../../lambdas/core/receipt.ts';
import { CliError } from '../cli-error.ts';
import { DoesNotHoldError } from './verify-account.ts';

const hex = z.string().regex(/^[0-9a-f]{64}$/);

/** That one record's receipt is among those that a manifest stands for. Version 1 of the documented format. */
export const recordProof = z.object({
  sluice_proof: z.literal(1),
  file_id: z.string(),
  manifest_number: z.int().positive(),
  /** Of the manifest's bytes. */
  manifest_sha256: hex,
  /** As it stands in the receipts: a leaf of the tree, byte by byte. */
  receipt: z.string(),
  /** The leaf's place, from 0. */
  index: z.int().nonnegative(),
  leaves: z.int().positive(),
  receipts_root: hex,
  /** From the leaf's sibling up to the root's child. */
  path: z.array(z.object({ side: z.enum(['left', 'right']), hash: hex })),
});
export type RecordProof = z.infer<typeof recordProof>;

/**
 * @param receipts gives the lines, anew each time: they are read twice, since no more than one of them is kept
 * @throws CliError where the manifest has no roots, or the receipts no such record
 */
export async function proveRecord(
  record: number,
  { text, manifest }: { text: string; manifest: Manifest },
  receipts: () => Promise<AsyncIterable<string>>,
): Promise<RecordProof> {
  const { proof, file_id } = manifest;
  if (!proof) throw new CliError(`The manifest of ${file_id} has no Merkle roots: nothing can be proved by it.`);
  const leaf = await findReceipt(record, await receipts());
  if (!leaf) throw new CliError(`The receipts of ${file_id} have no record ${record}.`);
  const way = new MerkleProof(leaf.index, proof.leaves);
  for await (const line of await receipts()) way.add(Buffer.from(line));
  return {
    sluice_proof: 1,
    file_id,
    manifest_number: manifest.manifest_number,
    manifest_sha256: createHash('sha256').update(text).digest('hex'),
    ...leaf,
    leaves: proof.leaves,
    receipts_root: proof.receipts_root,
    path: way.steps().map(({ side, hash }) => ({ side, hash: hash.toString('hex') })),
  };
}

/** Which leaf it is shows only in the receipts: held records have none. */
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

/**
 * What the proof says of its record. Without the manifest it is known only that receipt and root belong together.
 * @throws DoesNotHoldError at the first thing that doesn't hold
 */
export function verifyRecordProof(
  proof: RecordProof,
  manifest: { bytes: Buffer; manifest: Manifest } | undefined,
): Receipt {
  const steps = proof.path.map(({ side, hash }) => ({ side, hash: Buffer.from(hash, 'hex') }));
  mustBe(
    rootOf(Buffer.from(proof.receipt), steps).toString('hex') === proof.receipts_root,
    'the way from the receipt does not lead to the root',
  );
  mustBe(indexOf(proof) === proof.index, 'the way from the receipt is not the way of its leaf');
  if (manifest) {
    const { manifest: account, bytes } = manifest;
    mustBe(
      createHash('sha256').update(bytes).digest('hex') === proof.manifest_sha256,
      'the manifest is not the one that the proof is about',
    );
    mustBe(account.proof?.receipts_root === proof.receipts_root, 'the manifest has another root');
    mustBe(account.proof?.leaves === proof.leaves, 'the manifest has another number of leaves');
    mustBe(account.file_id === proof.file_id, 'the manifest is of another file');
  }
  return receiptSchema.parse(JSON.parse(proof.receipt));
}

/** The leaf that a path with these sides belongs to, in a tree of that many. */
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

function mustBe(holds: boolean, sentence: string): asserts holds {
  if (!holds) throw new DoesNotHoldError(sentence);
}
