import { Buffer } from 'node:buffer';
import type { FileAccount } from '../core/file-account.ts';
import type { SourceObjects } from '../ports.ts';
import { inflate } from './inflate.ts';

const nothing = Buffer.alloc(0);

/**
 * The content from `offset` to its end. A gzip can't be entered in the middle: it is inflated from its start and what
 * comes before `offset` is thrown away; an empty chunk stands for each chunk of that, so that the caller can keep its
 * lease and look at the time.
 *
 * @param whole the object's bytes, where they are in memory
 * @throws SourceChangedError when the object is no longer the one that was pinned
 */
export async function* readContent(
  file: Pick<FileAccount, 'source' | 'content'>,
  whole: Buffer | undefined,
  sources: SourceObjects,
  offset: number,
): AsyncGenerator<Buffer> {
  if (!file.content) {
    if (whole) yield whole.subarray(offset);
    else yield* sources.read(file.source, offset);
    return;
  }
  let toSkip = offset;
  for await (const chunk of inflate(whole ? [whole] : sources.read(file.source, 0))) {
    const skipped = Math.min(toSkip, chunk.length);
    toSkip -= skipped;
    yield skipped === chunk.length ? nothing : chunk.subarray(skipped);
  }
}
