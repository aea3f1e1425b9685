import { LeaseLostError } from '../core/errors.ts';
import type { FileAccount } from '../core/account/file-account.ts';
import type { Deadline } from '../runtime/deadline.ts';
import { startHash } from './file-hash.ts';
import type { SplitterPorts } from './splitter-ports.ts';
import { fileLeaseMs, saveProgress } from './splitter-ports.ts';

/** A file up to this size is kept in memory after hashing, and so is read once. Bytes. */
const keepWholeBytes = 8 * 1024 * 1024;

/** Pass 1: the SHA-256 of the file's bytes. Request ids need it before the first upload. */
export async function hashFile(
  file: FileAccount,
  ports: SplitterPorts,
  deadline: Deadline,
): Promise<{ kind: 'hashed'; sha256: string; whole: Buffer | undefined } | { kind: 'out-of-time' }> {
  const { source } = file;
  const hash = await startHash(source.sizeBytes, file.hashProgress, deadline.remainingMs());
  const keep = source.sizeBytes <= keepWholeBytes && hash.offset === 0;
  const kept: Buffer[] = [];
  let renewAt = ports.clock.now() + fileLeaseMs / 3;

  for await (const chunk of ports.sources.read(source, hash.offset)) {
    hash.update(chunk);
    if (keep) kept.push(chunk);
    const outOfTime = deadline.isDrawingIn() && hash.offset < source.sizeBytes;
    if (!outOfTime && ports.clock.now() < renewAt) continue;
    if (!(await saveProgress(file, ports, { hashProgress: hash.save() }))) {
      throw new LeaseLostError(`The file ${file.fileId} was claimed by another splitter.`);
    }
    if (outOfTime) return { kind: 'out-of-time' };
    renewAt = ports.clock.now() + fileLeaseMs / 3;
  }
  return { kind: 'hashed', sha256: hash.digest(), whole: keep ? Buffer.concat(kept) : undefined };
}
