import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { leafHash, MerkleProof, MerkleRoot, nodeHash, rootOf } from '../../../../lambdas/core/account/merkle.ts';

const leavesOf = (count: number) => Array.from({ length: count }, (_, index) => Buffer.from(`leaf ${index}`));

function rootOfAll(leaves: readonly Buffer[]): string {
  const tree = new MerkleRoot();
  for (const leaf of leaves) tree.add(leaf);
  return tree.root().toString('hex');
}

/** As RFC 6962 defines it, by recursion. */
function defined(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 0) return createHash('sha256').digest();
  if (leaves.length === 1) return leafHash(leaves[0] as Buffer);
  const half = 2 ** Math.ceil(Math.log2(leaves.length) - 1);
  return nodeHash(defined(leaves.slice(0, half)), defined(leaves.slice(half)));
}

function proofOf(index: number, leaves: readonly Buffer[]) {
  const proof = new MerkleProof(index, leaves.length);
  for (const leaf of leaves) proof.add(leaf);
  return proof.steps();
}

describe('a Merkle root', () => {
  it('equals the published test vectors', () => {
    // Certificate Transparency's reference tests: these eight leaves, and the roots of the first none, one and all of them.
    const hex = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
    const leaves = hex.map((each) => Buffer.from(each, 'hex'));
    expect(rootOfAll([])).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    expect(rootOfAll(leaves.slice(0, 1))).toBe('6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d');
    expect(rootOfAll(leaves)).toBe('5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328');
  });

  it('follows its definition, for every number of leaves up to 130', () => {
    for (let count = 0; count <= 130; count++) {
      const leaves = leavesOf(count);
      expect(rootOfAll(leaves), `${count} leaves`).toBe(defined(leaves).toString('hex'));
    }
  });

  it('changes with every leaf, their order and their number', () => {
    const leaves = leavesOf(20);
    const root = rootOfAll(leaves);
    for (const index of leaves.keys()) {
      expect(rootOfAll(leaves.with(index, Buffer.from('other')))).not.toBe(root);
      expect(rootOfAll(leaves.toSpliced(index, 1))).not.toBe(root);
    }
    expect(rootOfAll(leaves.toReversed())).not.toBe(root);
    // A node in a leaf's place: what the prefixes are for.
    const joined = Buffer.concat([leafHash(leaves[0] as Buffer), leafHash(leaves[1] as Buffer)]);
    expect(rootOfAll([joined])).not.toBe(rootOfAll(leaves.slice(0, 2)));
  });
});

describe('a proof', () => {
  it('leads from every leaf to the root, and from no other leaf', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.nat(), (count, seed) => {
        const leaves = leavesOf(count);
        const index = seed % count;
        const steps = proofOf(index, leaves);
        const root = rootOfAll(leaves);
        expect(rootOf(leaves[index] as Buffer, steps).toString('hex')).toBe(root);
        expect(rootOf(Buffer.from('other'), steps).toString('hex')).not.toBe(root);
        expect(steps.length).toBeLessThanOrEqual(Math.ceil(Math.log2(count)));
      }),
    );
  });

  it('is refused for a leaf that does not exist', () => {
    expect(() => new MerkleProof(3, 3)).toThrow(RangeError);
    expect(() => new MerkleProof(-1, 3)).toThrow(RangeError);
  });
});
