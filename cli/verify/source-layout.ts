import type { Manifest } from '../../lambdas/core/account/manifest.ts';
import { oddNumber, parseStrictJson } from './strict-json.ts';
import { DoesNotHoldError, mustHold } from './verified.ts';

/** Longer than any header; a gap between two records is read as a whole up to this. Bytes. */
export const maxGapBytes = 1024 * 1024;

/** The header is among so many lines (`read-header.ts`). */
const maxPreambleLines = 20;

const lineFeed = 10;
const openObject = 123;

/**
 * Bytes without content between records: white space, delimiters and quotes around nothing, DOS's end-of-file character, a
 * byte-order mark.
 */
const blanks: Record<string, ReadonlySet<number>> = {
  csv: new Set(Buffer.from('\r\n\t ,;|"\x1a\uFEFF')),
  'json-array': new Set(Buffer.from('\r\n\t ,[]\x1a\uFEFF')),
};
const otherBlanks: ReadonlySet<number> = new Set(Buffer.from('\r\n\t \x1a\uFEFF'));

/** The bundle's next member, by its receipt. */
export interface NextMember {
  length: number;
  source_file?: string | undefined;
  source_version_id?: string | undefined;
}

/** A gap's position: after a record (0: before the first) and before a member; undefined after the last record. */
export interface GapPlace {
  after: number;
  next: NextMember | undefined;
}

/** What a source's content may have between records. */
export class SourceLayout {
  /** Bytes between records that the layout cannot identify as separators. */
  readonly unchecked: string[] = [];
  readonly #format: string | null;
  readonly #blanks: ReadonlySet<number>;
  readonly #preambleBytes: number;
  /** A CSV's header without blanks. */
  #header: Buffer = Buffer.alloc(0);
  /** The beginning of an object that holds the array. */
  #wrapping: Buffer | undefined;

  constructor({ format, preamble_bytes: preambleBytes = 0 }: Pick<Manifest, 'format' | 'preamble_bytes'>) {
    this.#format = format;
    this.#preambleBytes = preambleBytes;
    this.#blanks = blanks[format ?? ''] ?? otherBlanks;
  }

  /**
   * Before the first record: byte order mark, CSV header, an array's bracket, the beginning of the object that it is in.
   * @throws DoesNotHoldError if there is anything else
   */
  checkHead(head: Buffer): void {
    if (this.#format === 'csv') return this.#readHeader(this.#behindPreamble(head));
    const ink = head.findIndex((byte) => !otherBlanks.has(byte));
    if (this.#format === 'json-array' && head[ink] === openObject) this.#wrapping = head.subarray(ink);
    else mustHold(this.#isBlank(head), 'there is content before the first record that is in no receipt');
  }

  /**
   * Between two records, and after the last one.
   * @param gap the whole gap, at most `maxGapBytes`
   * @throws DoesNotHoldError if there is anything but separators
   */
  checkGap(gap: Buffer, place: GapPlace): void {
    if (this.#format === 'bundle') return checkMemberLine(gap, place);
    if (this.#wrapping && !place.next) return this.#checkWrapping(Buffer.concat([this.#wrapping, gap]));
    const holds = this.#isBlank(gap) || (this.#format === 'csv' && this.#hasHeadersOnly(gap));
    mustHold(holds, `there is content after record ${place.after} that is in no receipt`);
  }

  /** The same for a part of a longer gap. */
  checkPart(part: Buffer, { after }: GapPlace): void {
    const holds = this.#format !== 'bundle' && this.#isBlank(part);
    mustHold(holds, `there is content after record ${after} that is in no receipt`);
  }

  /** What the manifest names as a preamble is a few lines, and no more. */
  #behindPreamble(head: Buffer): Buffer {
    const bytes = this.#preambleBytes;
    const lines = head.toString('latin1', 0, bytes).split(/\r\n|\r|\n/).length - 1;
    mustHold(lines < maxPreambleLines, `the preamble has ${lines} lines, and is longer than any`);
    return head.subarray(bytes);
  }

  /** A header is a row, and so has its line breaks within quotes. Lines before it may be a preamble that the manifest does not name, or rows. */
  #readHeader(head: Buffer): void {
    const text = trimmed(head.toString('latin1'));
    const row = trimmed(text.replace(/^"?sep=[^\r\n]"?[ \t]*(\r*\n|\r)/i, ''));
    this.#header = this.#ink(Buffer.from(row, 'latin1'));
    const parts = row.split('"');
    const isOneRow = parts.length % 2 === 1 && !parts.some((part, n) => n % 2 === 0 && /[\r\n]/.test(part));
    if (!isOneRow) this.unchecked.push('there are lines before the header that are in no receipt');
  }

  /** If the array is empty, its enclosing object must not have other records. */
  #checkWrapping(json: Buffer): void {
    if (!isPlainObject(json)) this.unchecked.push('the array is in an object that contains more, or is incomplete');
  }

  #isBlank(bytes: Buffer): boolean {
    return bytes.every((byte) => this.#blanks.has(byte));
  }

  #ink(bytes: Buffer): Buffer {
    return bytes.filter((byte) => !this.#blanks.has(byte)) as Buffer;
  }

  /** Concatenated exports have a header each, which may be quoted differently. */
  #hasHeadersOnly(gap: Buffer): boolean {
    const header = this.#header;
    const ink = this.#ink(gap);
    if (header.length === 0 || ink.length % header.length !== 0) return false;
    for (let at = 0; at < ink.length; at += header.length) {
      if (!header.equals(ink.subarray(at, at + header.length))) return false;
    }
    return true;
  }
}

/** Trims what is blank in a CSV on both sides, quotes included: bytes as latin1. */
function trimmed(text: string): string {
  const isBlank = (at: number): boolean => '\r\n\t ,;|\x1a\xef\xbb\xbf'.includes(text.charAt(at));
  let [from, to] = [0, text.length];
  while (from < to && isBlank(from)) from++;
  while (to > from && isBlank(to - 1)) to--;
  return text.slice(from, to);
}

function isPlainObject(json: Buffer): boolean {
  try {
    const object = parseStrictJson(json, 'the object with the array');
    return Object.values(object as object).every(
      (value) =>
        !Array.isArray(value) || value.every((each) => typeof each !== 'object' || each === null || each === oddNumber),
    );
  } catch (error) {
    if (error instanceof DoesNotHoldError) return false;
    throw error;
  }
}

/** In a bundle each member has a line of JSON before it and a line feed after it. */
function checkMemberLine(gap: Buffer, { after, next }: GapPlace): void {
  const isFirst = after === 0;
  const hasBreaks = (isFirst || gap[0] === lineFeed) && (!next || (gap.length > 1 && gap.at(-1) === lineFeed));
  const line = gap.subarray(isFirst ? 0 : 1, next ? gap.length - 1 : gap.length);
  mustHold(hasBreaks && !line.includes(lineFeed), `the bundle has more than a line after member ${after}`);
  if (!next) return mustHold(line.length === 0, 'the bundle continues after its last member');
  const facts = parseStrictJson(line, `the line of member ${after + 1}`) ?? {};
  const { bucket, key, version_id: version, bytes } = facts as Record<string, unknown>;
  const uri = typeof bucket === 'string' && typeof key === 'string' ? `s3://${bucket}/${key}` : undefined;
  mustHold(
    bytes === next.length && uri !== undefined && uri === next.source_file && version === next.source_version_id,
    `the line of member ${after + 1} in the bundle does not match its receipt`,
  );
}
