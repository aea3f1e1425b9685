import type { Manifest } from '../../lambdas/core/manifest.ts';
import { parseStrictJson } from './strict-json.ts';
import { mustHold } from './verified.ts';

/** Longer than any header; what is between two records is read as a whole up to this. Bytes. */
export const maxGapBytes = 1024 * 1024;

const lineFeed = 10;
const carriageReturn = 13;
const quote = 34;
const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf]);

/** Bytes that say nothing where no record is: white space, delimiters, the end-of-file sign of old, a byte order mark. */
const blanks: Record<string, ReadonlySet<number>> = {
  csv: new Set(Buffer.from('\r\n\t ,;|\x1a\uFEFF')),
  'json-array': new Set(Buffer.from('\r\n\t ,[]\x1a\uFEFF')),
};
const otherBlanks: ReadonlySet<number> = new Set(Buffer.from('\r\n\t \x1a\uFEFF'));

/** The member of a bundle that comes next, by its receipt. */
export interface NextMember {
  length: number;
  source_file?: string | undefined;
  source_version_id?: string | undefined;
}

/** Where a gap is: behind that record (0: before the first) and before that member; undefined behind the last record. */
export interface GapPlace {
  after: number;
  next: NextMember | undefined;
}

/** What may stand in a source's content where no record is. */
export class SourceLayout {
  readonly #isBundle: boolean;
  readonly #isCsv: boolean;
  readonly #blanks: ReadonlySet<number>;
  /** A CSV's, without what is blank around it. */
  #header: Buffer = Buffer.alloc(0);

  constructor({ format }: Pick<Manifest, 'format'>) {
    this.#isBundle = format === 'bundle';
    this.#isCsv = format === 'csv';
    this.#blanks = blanks[format ?? ''] ?? otherBlanks;
  }

  /**
   * Before the first record: byte order mark, CSV header, an array's bracket.
   * @throws DoesNotHoldError where there is more
   */
  checkHead(head: Buffer): void {
    if (!this.#isCsv)
      return mustHold(this.#isBlank(head), 'something stands before the first record, and is in no receipt');
    const text = this.#trim(head.subarray(head.subarray(0, 3).equals(byteOrderMark) ? 3 : 0));
    const line = /^sep=[,;|\t]\r?\n/.exec(text.subarray(0, 8).toString('latin1'));
    this.#header = this.#trim(text.subarray(line?.[0].length ?? 0));
    mustHold(isOneRow(this.#header), 'more than a header stands before the first record, and is in no receipt');
  }

  /**
   * Between two records, and behind the last one.
   * @param gap all of it, `maxGapBytes` at most
   * @throws DoesNotHoldError where there is more than separators
   */
  checkGap(gap: Buffer, place: GapPlace): void {
    if (this.#isBundle) return checkMemberLine(gap, place);
    const holds = this.#isBlank(gap) || (this.#isCsv && this.#hasHeadersOnly(gap));
    mustHold(holds, `something stands behind record ${place.after} that is in no receipt`);
  }

  /** The same of a part of a longer gap. */
  checkPart(part: Buffer, { after }: GapPlace): void {
    mustHold(!this.#isBundle && this.#isBlank(part), `something stands behind record ${after} that is in no receipt`);
  }

  #isBlank(bytes: Buffer): boolean {
    return bytes.every((byte) => this.#blanks.has(byte));
  }

  /** Exports that were put one behind the other have a header each. */
  #hasHeadersOnly(gap: Buffer): boolean {
    if (this.#header.length === 0) return false;
    for (let at = 0; at < gap.length;) {
      if (gap.subarray(at, at + this.#header.length).equals(this.#header)) at += this.#header.length;
      else if (this.#blanks.has(gap[at] ?? 0)) at++;
      else return false;
    }
    return true;
  }

  #trim(bytes: Buffer): Buffer {
    let [from, to] = [0, bytes.length];
    while (from < to && this.#blanks.has(bytes[from] ?? 0)) from++;
    while (to > from && this.#blanks.has(bytes[to - 1] ?? 0)) to--;
    return bytes.subarray(from, to);
  }
}

/** No line break but within quotes. */
function isOneRow(bytes: Buffer): boolean {
  let isQuoted = false;
  for (const byte of bytes) {
    if (byte === quote) isQuoted = !isQuoted;
    else if (!isQuoted && (byte === lineFeed || byte === carriageReturn)) return false;
  }
  return true;
}

/** In a bundle each member has a line of JSON before it, and a line feed behind it. */
function checkMemberLine(gap: Buffer, { after, next }: GapPlace): void {
  const isFirst = after === 0;
  const hasBreaks = (isFirst || gap[0] === lineFeed) && (!next || (gap.length > 1 && gap.at(-1) === lineFeed));
  const line = gap.subarray(isFirst ? 0 : 1, next ? gap.length - 1 : gap.length);
  mustHold(hasBreaks && !line.includes(lineFeed), `the bundle has more than a line behind member ${after}`);
  if (!next) return mustHold(line.length === 0, 'the bundle goes on behind its last member');
  const facts = parseStrictJson(line, `the line of member ${after + 1}`) ?? {};
  const { bucket, key, version_id: version, bytes } = facts as Record<string, unknown>;
  const uri = typeof bucket === 'string' && typeof key === 'string' ? `s3://${bucket}/${key}` : undefined;
  mustHold(
    bytes === next.length && uri !== undefined && uri === next.source_file && version === next.source_version_id,
    `the line of member ${after + 1} in the bundle is not what its receipt says`,
  );
}
