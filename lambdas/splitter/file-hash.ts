import { createHash } from 'node:crypto';
import type { HashProgress } from '../core/account/file-account.ts';
import type { FileHash } from '../runtime/resumable-hash.ts';
import { resumableHash } from '../runtime/resumable-hash.ts';

/** The minimum speed of reading from S3 and hashing, in bytes per millisecond. */
const slowestBytesPerMs = 40_000;

/** Half of the time is for pass 1; a file that needs more is hashed with an implementation whose state can be saved. */
export function fitsOneInvocation(sizeBytes: number, remainingMs: number): boolean {
  return sizeBytes <= (remainingMs / 2) * slowestBytesPerMs;
}

/**
 * node:crypto's hash, the fast one. Its state can't be saved: to continue, hashing restarts from the beginning with the
 * resumable one.
 */
function nativeHash(): FileHash {
  const hash = createHash('sha256');
  let offset = 0;
  return {
    update(chunk) {
      hash.update(chunk);
      offset += chunk.length;
    },
    get offset() {
      return offset;
    },
    save: () => ({ offset: 0, state: '' }),
    digest: () => hash.digest('hex'),
  };
}

export async function startHash(
  sizeBytes: number,
  saved: HashProgress | undefined,
  remainingMs: number,
): Promise<FileHash> {
  if (saved) return resumableHash(saved);
  return fitsOneInvocation(sizeBytes, remainingMs) ? nativeHash() : resumableHash();
}
