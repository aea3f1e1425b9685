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
 * cut yet. Compressed files are counted separately. Returns undefined for a file if no such file is known.
 */
export function recordsPerByte(known: readonly FileAccount[]): (like: FileAccount) => number | undefined {
  const sums = new Map<string, { records: number; bytes: number }>();
  for (const file of known) {
    const expected = expectedRecords(file);
    if (expected === undefined || expected === 0) continue;
    const { records, bytes } = sums.get(kindOf(file)) ?? { records: 0, bytes: 0 };
    sums.set(kindOf(file), { records: records + expected, bytes: bytes + file.source.sizeBytes });
  }
  return (like) => {
    const { records, bytes } = sums.get(kindOf(like)) ?? { records: 0, bytes: 0 };
    return bytes > 0 ? records / bytes : undefined;
  };
}

const kindOf = (file: FileAccount): string => `${file.feed} ${isCompressed(file)}`;

/** Judged by the file's name until its content has been inspected. */
function isCompressed({ content, source, sha256 }: FileAccount): boolean {
  return content !== undefined || (sha256 === undefined && /\.gz$/i.test(source.key));
}
