import type { FileAccount } from './file-account.ts';
import { contentBytesOf } from './file-account.ts';
import { sumCounts } from './outcome.ts';

/** Records that need no more work. The held records of a released file are still to be sent. */
export function endedRecords({ settled, release }: Pick<FileAccount, 'settled' | 'release'>): number {
  return sumCounts(settled) - (release ? settled.held : 0);
}

/** Records to be sent. While the file is being split, an estimate from the bytes read so far. */
export function expectedRecords(file: FileAccount): number | undefined {
  if (file.checkpoint?.otherHeader) return file.checkpoint.otherHeader.record;
  if (file.totalRecords !== undefined) return file.totalRecords;
  const { checkpoint } = file;
  const bytes = contentBytesOf(file);
  if (!checkpoint || checkpoint.offset === 0 || bytes <= 0) return undefined;
  return Math.round((checkpoint.record * bytes) / checkpoint.offset);
}

/**
 * Records per byte of a feed's stored objects, from files for which it is known: an estimate for files that have not been
 * cut yet. Compressed files are counted separately. Undefined if no such file exists.
 */
export function recordsPerByte(known: readonly FileAccount[], like: FileAccount): number | undefined {
  let [records, bytes] = [0, 0];
  for (const file of known) {
    const expected = expectedRecords(file);
    const isAlike = file.feed === like.feed && isCompressed(file) === isCompressed(like);
    if (!isAlike || expected === undefined || expected === 0) continue;
    records += expected;
    bytes += file.source.sizeBytes;
  }
  return bytes > 0 ? records / bytes : undefined;
}

/** Judged by the file's name until its content has been inspected. */
function isCompressed({ content, source, sha256 }: FileAccount): boolean {
  return content !== undefined || (sha256 === undefined && /\.gz$/i.test(source.key));
}
