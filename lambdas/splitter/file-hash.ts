import { createHash } from 'node:crypto';
import { createSHA256 } from 'hash-wasm';
import type { HashProgress } from '../core/account/file-account.ts';

/** The minimum speed of reading from S3 and hashing, in bytes per millisecond. */
const slowestBytesPerMs = 40_000;

/** Half of the time is for pass 1; a file that needs more is hashed with an implementation whose state can be saved. */
export function fitsOneInvocation(sizeBytes: number, remainingMs: number): boolean {
  return sizeBytes <= (remainingMs / 2) * slowestBytesPerMs;
}

/** SHA-256 that can be paused and resumed. */
export interface FileHash {
  update(chunk: Buffer): void;
  /** Bytes hashed so far. */
  readonly offset: number;
  /** The state to resume from in another invocation. */
  save(): HashProgress;
  digest(): string;
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

/** hash-wasm's hash: about a third of the speed, but its state is about 100 bytes that can be stored. */
async function resumableHash(from: HashProgress): Promise<FileHash> {
  const hash = await createSHA256();
  hash.init();
  if (from.offset > 0) hash.load(Buffer.from(from.state, 'base64'));
  let offset = from.offset;
  return {
    update(chunk) {
      hash.update(chunk);
      offset += chunk.length;
    },
    get offset() {
      return offset;
    },
    save: () => ({ offset, state: Buffer.from(hash.save()).toString('base64') }),
    digest: () => hash.digest('hex'),
  };
}

export async function startHash(
  sizeBytes: number,
  saved: HashProgress | undefined,
  remainingMs: number,
): Promise<FileHash> {
  if (saved) return resumableHash(saved);
  return fitsOneInvocation(sizeBytes, remainingMs) ? nativeHash() : resumableHash({ offset: 0, state: '' });
}
