import { hash } from 'node:crypto';
import * as z from 'zod';

/**
 * A Merkle tree by RFC 6962 (2.1), over SHA-256: a leaf's hash is that of 0x00 and its bytes, an inner node's that of
 * 0x01 and its children's hashes. So a leaf can't be mistaken for a node, and a tree of any size has exactly one shape.
 */

/** In one call, and through a text: a Hash object for each of millions of short texts takes several times as long. */
const sha256 = (bytes: Uint8Array): Buffer => Buffer.from(hash('sha256', bytes, 'binary'), 'binary');

/** Root of no leaves: the hash of nothing. */
const emptyRoot = sha256(Buffer.alloc(0));

const leafPrefix = Buffer.from([0]);
/** 0x01, and room for two hashes. */
const node = Buffer.alloc(1 + 2 * 32, 1);

export function leafHash(leaf: Uint8Array): Buffer {
  return sha256(Buffer.concat([leafPrefix, leaf]));
}

export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  node.set(left, 1);
  node.set(right, 33);
  return sha256(node);
}

/** A tree in progress, to continue elsewhere. `peaks`: the roots of its whole subtrees, 32 bytes each. */
export const merkleFrontier = z.object({ leaves: z.int().nonnegative(), peaks: z.base64() });
export type MerkleFrontier = z.infer<typeof merkleFrontier>;

/** Takes leaves one by one and keeps one hash for each doubling of their number. */
export class MerkleRoot {
  /** Roots of whole subtrees, the largest first; their sizes are the powers of two in `#leaves`. */
  readonly #peaks: Buffer[] = [];
  #leaves = 0;

  /** @param from a saved one to continue with; by default a new one */
  constructor(from?: MerkleFrontier) {
    if (!from) return;
    const peaks = Buffer.from(from.peaks, 'base64');
    for (let at = 0; at < peaks.length; at += 32) this.#peaks.push(peaks.subarray(at, at + 32));
    this.#leaves = from.leaves;
  }

  save(): MerkleFrontier {
    return { leaves: this.#leaves, peaks: Buffer.concat(this.#peaks).toString('base64') };
  }

  get leaves(): number {
    return this.#leaves;
  }

  add(leaf: Uint8Array): void {
    let root = leafHash(leaf);
    // As in binary counting: each carry joins two subtrees of the same size.
    for (let size = this.#leaves; size % 2 === 1; size = Math.floor(size / 2)) {
      root = nodeHash(this.#peaks.pop() as Buffer, root);
    }
    this.#peaks.push(root);
    this.#leaves++;
  }

  root(): Buffer {
    const [last, ...others] = this.#peaks.toReversed();
    if (!last) return emptyRoot;
    return others.reduce((right, left) => nodeHash(left, right), last);
  }
}

/** A step from a leaf up to the root: the sibling and its side. */
export interface ProofStep {
  side: 'left' | 'right';
  hash: Buffer;
}

/** Takes all leaves of a tree one by one and then has the path from one of them to the root. */
export class MerkleProof {
  readonly #siblings: { side: ProofStep['side']; from: number; end: number; root: MerkleRoot }[];
  #next = 0;

  /**
   * @param index the leaf to prove, from 0
   * @param leaves number of leaves in the tree
   * @throws RangeError if there is no such leaf
   */
  constructor(index: number, leaves: number) {
    if (!Number.isSafeInteger(index) || index < 0 || index >= leaves) {
      throw new RangeError(`There is no leaf ${index} among ${leaves}.`);
    }
    this.#siblings = siblingsOf(index, 0, leaves).map((each) => ({ ...each, root: new MerkleRoot() }));
  }

  add(leaf: Uint8Array): void {
    const at = this.#next++;
    for (const { from, end, root } of this.#siblings) if (at >= from && at < end) root.add(leaf);
  }

  /** From the leaf's sibling to the root's child. */
  steps(): ProofStep[] {
    return this.#siblings.map(({ side, root }) => ({ side, hash: root.root() }));
  }
}

/** The subtrees beside the path to a leaf of the tree over [from, end): the lowest first. */
function siblingsOf(
  index: number,
  from: number,
  end: number,
): { side: ProofStep['side']; from: number; end: number }[] {
  if (end - from === 1) return [];
  // The left subtree is the largest complete one that leaves at least one leaf for the right.
  let half = 1;
  while (half * 2 < end - from) half *= 2;
  const middle = from + half;
  return index < middle
    ? [...siblingsOf(index, from, middle), { side: 'right', from: middle, end }]
    : [...siblingsOf(index, middle, end), { side: 'left', from, end: middle }];
}

/** The root that the steps lead to. */
export function rootOf(leaf: Uint8Array, steps: readonly ProofStep[]): Buffer {
  return steps.reduce(
    (root, { side, hash: sibling }) => (side === 'left' ? nodeHash(sibling, root) : nodeHash(root, sibling)),
    leafHash(leaf),
  );
}
