import type { Encoding } from '../../feeds/feed.ts';
import type { FileAccount } from '../core/account/file-account.ts';
import type { BatchCutter } from '../core/records/batch-cutter.ts';
import type { CutBatch, Dialect } from '../core/records/dialect.ts';
import type { SourceObjects } from '../ports.ts';
import { readContent } from './read-content.ts';

const stepBytes = 128 * 1024;

/** The file that a control file speaks of. */
export interface ControlledContent extends Pick<FileAccount, 'source' | 'content'> {
  /** Of the bytes as they were dropped. */
  sha256: string;
  limits: FileAccount['limits'];
  /** Undefined if it has no records. */
  dialect: Dialect | undefined;
  /** How many it has, if that is known. */
  records?: number;
}

export interface CompareControlPorts {
  sources: Pick<SourceObjects, 'read'>;
  /** Of a control file with rows. */
  encoding: Encoding;
  /** Called after each chunk: renews a lease, checks the time. False ends the comparison. */
  goesOn: () => Promise<boolean>;
}

/** All batches from the cutter's position on, in steps. */
export async function* cutContent(
  cutter: BatchCutter,
  file: Pick<FileAccount, 'source' | 'content'>,
  whole: Buffer | undefined,
  sources: Pick<SourceObjects, 'read'>,
): AsyncGenerator<CutBatch[]> {
  for await (const chunk of readContent(file, whole, sources, cutter.position.offset)) {
    // At least once: compressed content yields empty chunks until it reaches the position, which takes time.
    let step = 0;
    do {
      yield cutter.push(chunk.subarray(step, step + stepBytes));
      step += stepBytes;
    } while (step < chunk.length);
  }
  yield cutter.end();
}
