import type { FileAccount } from './file-account.ts';
import { contentBytesOf } from './file-account.ts';

/** Those to be sent. While it is still being split: as many more as the bytes read so far make likely. */
export function expectedRecords(file: FileAccount): number | undefined {
  if (file.checkpoint?.otherHeader) return file.checkpoint.otherHeader.record;
  if (file.totalRecords !== undefined) return file.totalRecords;
  const { checkpoint } = file;
  const bytes = contentBytesOf(file);
  if (!checkpoint || checkpoint.offset === 0 || bytes <= 0) return undefined;
  return Math.round((checkpoint.record * bytes) / checkpoint.offset);
}

/**
 * Records a byte of a feed's objects as they lie in the bucket, from files of which it is known: for those that nobody
 * has cut anything of yet. Compressed ones are apart. Undefined where there is none to go by.
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

/** By its name as long as nobody has looked into it. */
function isCompressed({ content, source, sha256 }: FileAccount): boolean {
  return content !== undefined || (sha256 === undefined && /\.gz$/i.test(source.key));
}
