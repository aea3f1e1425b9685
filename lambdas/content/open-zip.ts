import type { Buffer } from 'node:buffer';
import { Readable } from 'node:stream';
import type { Entry } from 'yauzl';
import { fromRandomAccessReaderPromise, getFileNameLowLevel, RandomAccessReader } from 'yauzl';
import { CompressedContentError } from '../core/errors.ts';
import type { StoredContent } from '../core/account/file-account.ts';
import { trimForMessage } from '../core/records/decode-text.ts';

/** Reads a part of the object, or less if the object ends before. */
export type ReadRange = (offset: number, bytes: number) => Promise<Buffer>;

/** The one file in a ZIP archive, and what the archive's directory says about it. */
export interface ZipMember extends Required<Pick<StoredContent, 'member' | 'place'>> {
  bytes: number;
  crc32: number;
}

/** An archive with more entries is not an archive of one file. */
const maxEntries = 1000;
/** The most names listed in a message. */
const maxNames = 10;

/** The library reads the directory in pieces of a few bytes; this much is fetched at once. */
const blockBytes = 256 * 1024;

/** PKWARE's numbers (APPNOTE.TXT, 4.4.5). */
const stored = 0;
const deflated = 8;
const methodNames: Readonly<Record<number, string>> = {
  1: 'Shrink',
  6: 'Implode',
  9: 'Deflate64',
  12: 'bzip2',
  14: 'LZMA',
  93: 'Zstandard',
  95: 'xz',
  98: 'PPMd',
  99: 'encryption (AES)',
};

/**
 * Finds the one file in a ZIP archive by the central directory at its end: earlier bytes may be left over from previous
 * versions of the archive. Folders and what macOS adds (`__MACOSX/`, `.DS_Store`) don't count.
 *
 * @throws CompressedContentError if it contains no file, several, or one that can't be read; and what `readRange` throws
 */
export async function openZip(sizeBytes: number, readRange: ReadRange): Promise<ZipMember> {
  const reader = new RangeReader(readRange);
  try {
    // Names are decoded here: the library refuses some, such as `C:/log.csv`, since it could also be used to unpack them.
    const zip = await fromRandomAccessReaderPromise(reader, sizeBytes, { decodeStrings: false, autoClose: false });
    const entries: NamedEntry[] = [];
    for await (const entry of zip.eachEntry()) {
      entries.push({ entry, name: nameOf(entry) });
      if (entries.length === maxEntries) break;
    }
    const { entry, name } = onlyMember(entries, zip.entryCount);
    refuseUnreadable(entry);
    const { fileDataStart } = await zip.readLocalFileHeaderPromise(entry, { minimal: true });
    return {
      member: { name, method: entry.compressionMethod === stored ? 'stored' : 'deflated' },
      place: { offset: fileDataStart, bytes: entry.compressedSize },
      bytes: entry.uncompressedSize,
      crc32: entry.crc32,
    };
  } catch (error) {
    throw reader.failure ?? explainFault(error);
  }
}

interface NamedEntry {
  entry: Entry;
  name: string;
}

function nameOf(entry: Entry): string {
  const { generalPurposeBitFlag, fileNameRaw, extraFields } = entry;
  return getFileNameLowLevel(generalPurposeBitFlag, fileNameRaw, extraFields, false);
}

function onlyMember(entries: readonly NamedEntry[], entryCount: number): NamedEntry {
  const names = entries.map(({ name }) => name);
  if (names.includes('[Content_Types].xml')) {
    throw names.some((name) => name.startsWith('xl/'))
      ? new CompressedContentError('excel', 'The file is an Excel workbook: save it as CSV.')
      : new CompressedContentError('office', 'The file is an Office document: save its table as CSV.');
  }
  if (names[0] === 'mimetype' && names.includes('content.xml')) {
    throw new CompressedContentError('office', 'The file is an OpenDocument file: save its table as CSV.');
  }
  const members = entries.filter(({ name }) => !isBeside(name));
  const [only, another] = members;
  if (entryCount > entries.length || another) {
    const shown = members.slice(0, maxNames).map(({ name }) => `"${trimForMessage(name)}"`);
    const count = entryCount > entries.length ? `${entryCount} entries` : `${members.length} files`;
    const more = members.length > maxNames || entryCount > entries.length ? ', …' : '';
    throw new CompressedContentError(
      'zip_members',
      `The ZIP archive contains ${count} (${shown.join(', ')}${more}), but only one is allowed: drop each file separately.`,
    );
  }
  if (!only) throw new CompressedContentError('zip_empty', 'The ZIP archive contains no file.');
  return only;
}

/** A folder, or a file that macOS adds. */
function isBeside(name: string): boolean {
  return name.endsWith('/') || name.startsWith('__MACOSX/') || /(^|\/)(\.DS_Store|\._[^/]*)$/.test(name);
}

function refuseUnreadable(entry: Entry): void {
  // AES hides the content's compression method.
  if (entry.isEncrypted() || entry.compressionMethod === 99) {
    throw new CompressedContentError('zip_encrypted', 'The ZIP archive is encrypted: drop it without a password.');
  }
  const { compressionMethod: method } = entry;
  if (method === stored || method === deflated) return;
  const name = methodNames[method] ?? `method ${method}`;
  throw new CompressedContentError(
    'zip_method',
    `The ZIP archive is compressed with ${name}, which is not supported: use Deflate (the usual method), or gzip.`,
  );
}

function explainFault(error: unknown): unknown {
  if (error instanceof CompressedContentError) return error;
  const { message } = error as Error;
  if (message.includes('strong encryption')) {
    return new CompressedContentError('zip_encrypted', 'The ZIP archive is encrypted: drop it without a password.', {
      cause: error,
    });
  }
  if (message.includes('End of central directory record signature not found')) {
    return new CompressedContentError(
      'zip_truncated',
      'The ZIP archive is incomplete: the file was not exported or copied completely.',
      { cause: error },
    );
  }
  return new CompressedContentError('zip_corrupt', `The ZIP archive is damaged (${trimForMessage(message)}).`, {
    cause: error,
  });
}

class RangeReader extends RandomAccessReader {
  /** The error of a failed read, to distinguish it from a damaged archive. */
  failure: unknown;
  readonly #readRange: ReadRange;
  #block: { offset: number; bytes: Buffer } | undefined;

  constructor(readRange: ReadRange) {
    super();
    this.#readRange = readRange;
  }

  override _readStreamForRange(start: number, end: number): Readable {
    return Readable.from(this.#read(start, end));
  }

  async *#read(start: number, end: number): AsyncGenerator<Buffer> {
    const block = this.#block;
    if (!block || start < block.offset || end > block.offset + block.bytes.length) {
      try {
        const bytes = await this.#readRange(start, Math.max(end - start, blockBytes));
        this.#block = { offset: start, bytes };
      } catch (error) {
        this.failure = error;
        throw error;
      }
    }
    const { offset, bytes } = this.#block as { offset: number; bytes: Buffer };
    yield bytes.subarray(start - offset, end - offset);
  }
}
