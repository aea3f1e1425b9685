import { createHash } from 'node:crypto';
import { readChunks } from './evidence-lines.ts';

/** Number of chunks between two progress reports. */
const reportEveryChunks = 128;

/** The SHA-256 and size of a file, which is read as a stream. @param onBytes called at intervals with the bytes so far */
export async function fileDigest(
  path: string,
  onBytes?: (done: number) => void,
): Promise<{ sha256: string; bytes: number }> {
  const hash = createHash('sha256');
  let bytes = 0;
  let chunks = 0;
  for await (const chunk of readChunks(path)) {
    hash.update(chunk);
    bytes += chunk.length;
    if (++chunks % reportEveryChunks === 0) onBytes?.(bytes);
  }
  return { sha256: hash.digest('hex'), bytes };
}
