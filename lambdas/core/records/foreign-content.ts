import type { Buffer } from 'node:buffer';

/** So much of a file is looked at for what it is not; also enough to tell where a first JSON record ends, if that is to be told. */
export const sniffedBytes = 4096;

/** Beginnings of files that are often dropped by mistake, in Latin-1. */
const beginnings: readonly (readonly [string, string, string])[] = [
  ['%PDF-', 'pdf', 'The file is a PDF document, not data.'],
  ['\xd0\xcf\x11\xe0', 'excel', 'The file is an old Excel workbook (or another Office file): save it as CSV.'],
  ['\x1f\x8b', 'gzip', 'The file is compressed twice with gzip: unpack it once.'],
  ['\xff\xfe', 'utf16', 'The file is encoded in UTF-16: save it as UTF-8.'],
  ['\xfe\xff', 'utf16', 'The file is encoded in UTF-16: save it as UTF-8.'],
  ['Rar!\x1a', 'archive', 'The file is a RAR archive: unpack it first.'],
  ["7z\xbc\xaf'\x1c", 'archive', 'The file is a 7-Zip archive: unpack it first.'],
  ['BZh91AY&SY', 'archive', 'The file is compressed with bzip2: unpack it first.'],
  ['\xfd7zXZ', 'archive', 'The file is compressed with xz: unpack it first.'],
  ['(\xb5/\xfd', 'archive', 'The file is compressed with Zstandard: unpack it first.'],
  ['PAR1\x15', 'parquet', 'The file is a Parquet file: export it as CSV or JSON.'],
  ['\x89PNG', 'image', 'The file is an image, not data.'],
  ['\xff\xd8\xff', 'image', 'The file is an image, not data.'],
];

/** Says what a file is that can't be data of ours, by its first few thousand bytes; null if nothing speaks against it. */
export function nameForeignContent(head: Buffer): { code: string; message: string } | null {
  const text = head.toString('latin1');
  if (text.startsWith('PK\x03\x04')) {
    const isWorkbook = text.includes('[Content_Types].xml') || text.includes('xl/');
    return isWorkbook
      ? { code: 'excel', message: 'The file is an Excel workbook: save it as CSV.' }
      : { code: 'archive', message: 'The file is a ZIP archive: unpack it first.' };
  }
  for (const [beginning, code, message] of beginnings) if (text.startsWith(beginning)) return { code, message };
  const markup = /^(?:\xef\xbb\xbf)?\s*<(?:!doctype html|html|\?xml)/i.exec(text);
  if (markup) {
    const name = markup[0].toLowerCase().includes('xml') ? 'an XML document' : 'a web page (HTML)';
    return { code: 'markup', message: `The file is ${name}, not data.` };
  }
  const zeros = text.split('\0').length - 1;
  // NULs here and there are damage that costs their records; this many are another kind of file.
  if (text.length < 16 || zeros * 10 < text.length) return null;
  return zeros * 3 > text.length && zeros * 1.6 < text.length
    ? { code: 'utf16', message: 'The file seems to be encoded in UTF-16: save it as UTF-8.' }
    : { code: 'binary', message: `The file is binary, not text: ${zeros} of its first ${text.length} bytes are zero.` };
}
