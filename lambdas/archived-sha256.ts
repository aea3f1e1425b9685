import { createHash } from 'node:crypto';
import { ContradictionError } from './core/errors.ts';
import type { Archive } from './ports.ts';

type Readable = Pick<Archive, 'getStream'>;

/** The SHA-256 of an object's bytes as stored. @throws ContradictionError if there is no such object */
export async function sha256OfArchived(key: string, archive: Readable): Promise<string> {
  const stream = await archive.getStream(key);
  if (!stream) throw new ContradictionError(`The archive's object ${key} can't be found.`);
  const hash = createHash('sha256');
  for await (const chunk of stream) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/**
 * Checks an object that exists already: a manifest must never name other bytes than those stored.
 * @throws ContradictionError if it has another SHA-256
 */
export async function mustHaveSha256(key: string, sha256: string, archive: Readable): Promise<void> {
  const actual = await sha256OfArchived(key, archive);
  if (actual === sha256) return;
  throw new ContradictionError(`The archive's object ${key} has the SHA-256 ${actual}; it should be ${sha256}.`);
}
