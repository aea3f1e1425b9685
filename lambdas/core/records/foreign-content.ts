import type { Buffer } from 'node:buffer';
import { visibleText } from './visible-text.ts';

/**
 * The part of a file that is inspected for foreign content; it is also enough to find the end of a first JSON record, if
 * that can be found.
 */
export const sniffedBytes = 4096;

export interface ForeignContent {
  /** A machine-readable code. */
  code: string;
  /** What the file is, and how to correct it. */
  message: string;
}

const is = (what: string, help: string): string => `The file is ${what}: ${help}.`;
const unpack = 'unpack it first';
const exportIt = 'export its data as CSV or JSON';
const notData = 'it has no records that could be sent';

/** Beginnings of files that are often dropped by mistake, in Latin-1. Longer ones first. */
const beginnings: readonly (readonly [beginning: string, code: string, message: string])[] = [
  ['%PDF-', 'pdf', 'The file is a PDF document, not data.'],
  ['%!PS', 'document', is('a PostScript document', notData)],
  ['{\\rtf', 'document', is('a document in Rich Text Format', 'save its data as CSV')],
  ['\xd0\xcf\x11\xe0', 'excel', 'The file is an old Excel workbook (or another Office file): save it as CSV.'],
  ['\x09\x08\x10\x00', 'excel', is('a very old Excel workbook', 'save it as CSV')],
  ['\x1f\x8b', 'gzip', 'The file is compressed twice with gzip: unpack it once.'],
  ['\xff\xfe\x00\x00', 'utf32', is('encoded in UTF-32', 'save it as UTF-8')],
  ['\x00\x00\xfe\xff', 'utf32', is('encoded in UTF-32', 'save it as UTF-8')],
  ['\xff\xfe', 'utf16', is('encoded in UTF-16', 'save it as UTF-8')],
  ['\xfe\xff', 'utf16', is('encoded in UTF-16', 'save it as UTF-8')],
  ['Rar!\x1a', 'archive', is('a RAR archive', unpack)],
  ["7z\xbc\xaf'\x1c", 'archive', is('a 7-Zip archive', unpack)],
  ['MSCF\x00', 'archive', is('a Windows cabinet archive', unpack)],
  ['PK\x05\x06', 'archive', is('an empty ZIP archive', notData)],
  ['\xfd7zXZ', 'archive', is('compressed with xz', unpack)],
  ['\x5d\x00\x00', 'archive', is('compressed with LZMA', unpack)],
  ['LZIP\x01', 'archive', is('compressed with lzip', unpack)],
  ['\x04\x22\x4d\x18', 'archive', is('compressed with LZ4', unpack)],
  ['\xff\x06\x00\x00sNaPpY', 'archive', is('compressed with Snappy', unpack)],
  ['\x1f\x9d', 'archive', is('compressed with compress (.Z)', unpack)],
  ['(\xb5/\xfd', 'archive', is('compressed twice, with Zstandard inside', 'unpack it once')],
  ['PAR1\x15', 'parquet', 'The file is a Parquet file: export it as CSV or JSON.'],
  ['PARE\x15', 'parquet', is('an encrypted Parquet file', exportIt)],
  ['Obj\x01', 'avro', is('an Avro file', exportIt)],
  ['ARROW1\x00\x00', 'columnar', is('an Arrow file', exportIt)],
  ['FEA1\x00\x00', 'columnar', is('a Feather file', exportIt)],
  ['\x89HDF\r\n', 'columnar', is('an HDF5 file', exportIt)],
  ['\x93NUMPY', 'columnar', is('a NumPy array', exportIt)],
  ['SQLite format 3\x00', 'database', is('an SQLite database', exportIt)],
  ['\x00\x01\x00\x00Standard ', 'database', is('an Access database', exportIt)],
  ['\x89PNG', 'image', 'The file is an image, not data.'],
  ['\xff\xd8\xff', 'image', 'The file is an image, not data.'],
  ['GIF87a', 'image', 'The file is an image, not data.'],
  ['GIF89a', 'image', 'The file is an image, not data.'],
  ['II*\x00', 'image', 'The file is an image, not data.'],
  ['MM\x00*', 'image', 'The file is an image, not data.'],
  ['OggS\x00', 'media', is('a sound or a film', notData)],
  ['\x7fELF', 'program', is('a program', notData)],
  ['MZ\x90\x00', 'program', is('a program', notData)],
  [
    '\x1e',
    'json_sequence',
    is(
      'a JSON text sequence (RFC 7464), with U+001E before each record',
      'write it as JSON Lines, without that character',
    ),
  ],
  ['-----BEGIN PGP ', 'encrypted', is('a PGP message or key', 'decrypt it first')],
  ['-----BEGIN PKCS7', 'encrypted', is('an encrypted or signed message (S/MIME)', 'decrypt it first')],
  [
    '-----BEGIN ',
    'credentials',
    is('a certificate or key (PEM)', 'it does not belong here; replace the key if it is a private one'),
  ],
  ['age-encryption.org/', 'encrypted', is('encrypted with age', 'decrypt it first')],
  ['Salted__', 'encrypted', is('encrypted with OpenSSL', 'decrypt it first')],
  [
    'version https://git-lfs.github.com/spec/',
    'pointer',
    is('a pointer of Git LFS and not the file itself', 'fetch it with `git lfs pull`'),
  ],
  ['MSH|^~\\&', 'message', is('an HL7 message', exportIt)],
  ['UNA:+', 'message', is('an EDIFACT message', exportIt)],
  ['UNB+', 'message', is('an EDIFACT message', exportIt)],
  ['ISA*', 'message', is('an X12 message', exportIt)],
  ['%YAML', 'yaml', is('a YAML document', 'write it as JSON')],
];

/**
 * Patterns for the beginning of text, after a byte-order mark and blanks; a second pattern is given if the first alone is
 * not certain.
 */
const patterns: readonly (readonly [begin: RegExp, also: RegExp | null, code: string, message: string])[] = [
  [/^BZh[1-9]1AY&SY/, null, 'archive', is('compressed with bzip2', unpack)],
  [/^.{257}ustar/s, null, 'archive', is('a tar archive', unpack)],
  // "ORC" alone could be a column.
  // eslint-disable-next-line no-control-regex
  [/^ORC[\x08\x0a][\x00-\x08\x0b\x0e-\x1f\x80-\xff]/, null, 'columnar', is('an ORC file', exportIt)],
  [/^RIFF....(?:WAVE|AVI |WEBP)/s, null, 'media', is('a sound, a film or an image', notData)],
  // eslint-disable-next-line no-control-regex
  [/^ID3[\x02-\x04]/, null, 'media', is('a sound', notData)],
  [/^....ftyp/s, null, 'media', is('a film or an image', notData)],
  [/^HTTP\/[0-9.]+ [0-9]{3}/, null, 'http', is('an HTTP response including its headers', 'save only its body')],
  [
    /^(?:return-path|received|delivered-to|mime-version|message-id|from|to|subject|date|x-[a-z-]{1,40}): |^From [^,;|\t\r\n]+@/i,
    /^(?:mime-version|message-id|received|subject): /im,
    'mail',
    is('an email message', 'save its attachment and drop that'),
  ],
  [
    /^(?:--|\/\*|#|create (?:table|database|schema)|insert into|drop table|set [a-z_@]+ ?=|begin;|use [`\w]+;|pragma |copy )/i,
    /\b(?:create table|insert into|copy [^\r\n]{1,200} from stdin)\b/i,
    'sql',
    is('an SQL dump', 'export the table as CSV'),
  ],
  [
    /^[[{]\s*'[^'\r\n]{1,100}'\s*:/,
    null,
    'python',
    is("in Python's own notation, with single quotes", 'write it with `json.dumps`'),
  ],
  [
    /^[[]\s*\{\s*'[^'\r\n]{1,100}'\s*:/,
    null,
    'python',
    is("in Python's own notation, with single quotes", 'write it with `json.dumps`'),
  ],
  [
    /^(?:(?:var|let|const|window\.\w{1,40}|module\.exports|export default)\b[^,;|\t\r\n]{0,80}=?\s*[[{]|[a-z_$][\w$.]{0,80}\(\s*[[{])/i,
    null,
    'javascript',
    is('JavaScript', 'drop only the JSON in it'),
  ],
  [/^H4sI[A-Za-z0-9+/=\r\n]{12,}$/, null, 'base64', is('a gzip in Base64', 'decode it first')],
  [/^UEsDB[A-Za-z0-9+/=\r\n]{12,}$/, null, 'base64', is('a ZIP archive in Base64', 'decode it first')],
  [/^(?:\+ADw-|\+AHs-|\+AFs-)/, null, 'utf7', is('encoded in UTF-7', 'save it as UTF-8')],
];

/** Names what a file is if it can't be a feed's data, from its first few thousand bytes; null if it may be data. */
export function nameForeignContent(head: Buffer): ForeignContent | null {
  const bytes = head.toString('latin1');
  if (bytes.startsWith('PK\x03\x04')) {
    const isWorkbook = bytes.includes('[Content_Types].xml') || bytes.includes('xl/');
    return isWorkbook
      ? { code: 'excel', message: 'The file is an Excel workbook: save it as CSV.' }
      : { code: 'archive', message: 'The file is a ZIP archive in a compressed file: unpack it once.' };
  }
  for (const [beginning, code, message] of beginnings) if (bytes.startsWith(beginning)) return { code, message };
  const text = bytes.replace(/^(?:\xef\xbb\xbf)?\s*/, '');
  for (const [begin, also, code, message] of patterns) {
    if (begin.test(text) && (also === null || also.test(text))) return { code, message };
  }
  return nameMarkup(text) ?? nameDrawn(text) ?? nameBinary(head, bytes);
}

/** A table drawn in text, with a line of dashes below its names: Markdown, or the output of a database shell. */
function nameDrawn(text: string): ForeignContent | null {
  const [first = '', second = ''] = text.split(/\r*\n|\r/, 2);
  const isRule = (line: string): boolean => /^[ \t|+:-]+$/.test(line) && line.includes('--');
  const save = 'export it as CSV';
  if (first.startsWith('|') && isRule(second)) return { code: 'drawn_table', message: is('a Markdown table', save) };
  const isBoxed = first.startsWith('+-') && isRule(first) && second.startsWith('|');
  const isUnderlined = first.includes('|') && isRule(second) && second.includes('-+-');
  if (!isBoxed && !isUnderlined) return null;
  return { code: 'drawn_table', message: is("a table as a database's shell draws it", save) };
}

/** A name in angle brackets, but not as the first column of many (`<TICKER>,<PER>`). */
const markup = /^<(?:!doctype\s|!--|\?xml|\?mso|([a-z_][\w:.-]{0,80})(?=[\s/>])[^<>]{0,2000}>\s*(?![,;|]))/i;

function nameMarkup(text: string): ForeignContent | null {
  const found = markup.exec(text);
  if (!found) return null;
  const error = /<Error>\s*<Code>(\w{1,60})<\/Code>/.exec(text);
  if (error)
    return { code: 'markup', message: `The file is an error message of S3 (${error[1]}): download the file again.` };
  if (/urn:schemas-microsoft-com:office:(?:spreadsheet|excel)|progid="Excel/i.test(text)) {
    return { code: 'markup', message: 'The file is a table for Excel in XML or HTML, not data: save it as CSV.' };
  }
  const isPage =
    /^<(?:!doctype html|html|head|body|table|div|script|meta|p|h1|pre)\b/i.test(text) || /<html\b/i.test(text);
  const name = isPage ? 'a web page (HTML)' : 'an XML document';
  return { code: 'markup', message: `The file is ${name}, not data.` };
}

/** Fewer bytes are not conclusive. */
const fewestBytes = 16;

function nameBinary(head: Buffer, bytes: string): ForeignContent | null {
  if (bytes.length < fewestBytes) return null;
  const zeros = bytes.split('\0').length - 1;
  // Single NULs are damage that costs their records; this many mean another kind of file.
  if (zeros * 10 >= bytes.length) {
    if (zeros * 1.6 > bytes.length && /^(?:\0\0\0[^\0]|[^\0]\0\0\0){4}/.test(bytes)) {
      return { code: 'utf32', message: 'The file seems to be encoded in UTF-32: save it as UTF-8.' };
    }
    return zeros * 3 > bytes.length && zeros * 1.6 < bytes.length
      ? {
          code: 'utf16',
          message:
            'The file seems to be encoded in UTF-16, and has no byte-order mark: save it as UTF-8, or with the mark.',
        }
      : {
          code: 'binary',
          message: `The file is binary, not text: ${zeros} of its first ${bytes.length} bytes are zero.`,
        };
  }
  if (isEbcdic(head)) return { code: 'ebcdic', message: is('encoded in EBCDIC', 'convert it to UTF-8') };
  return nameControls(bytes);
}

/** Text has almost no control characters; in compressed or encrypted content, one byte in nine is one. */
function nameControls(bytes: string): ForeignContent | null {
  // eslint-disable-next-line no-control-regex
  const controls = bytes.match(/[\x01-\x08\x0b\x0e-\x1f\x7f]/g) ?? [];
  if (controls.length * 20 < bytes.length) return null;
  const [first = ''] = controls;
  const isSeparator = controls.filter((control) => control === first).length * 10 >= controls.length * 9;
  return isSeparator
    ? {
        code: 'delimiter',
        message: `The fields seem to be separated by ${visibleText(first, 1)}: separate them by commas, semicolons, tabs or vertical bars.`,
      }
    : {
        code: 'binary',
        message: `The file is binary, not text: ${controls.length} of its first ${bytes.length} bytes are control characters.`,
      };
}

/** EBCDIC's letters, digits, space and comma; text in other encodings has few of these bytes, and blanks at 0x20. */
function isEbcdic(head: Buffer): boolean {
  let own = 0;
  for (const byte of head) {
    const low = byte & 15;
    const isLetter = byte >= 0x80 && low >= 1 && low <= 9 && ![0xa1, 0xb1].includes(byte) && byte >> 4 !== 0xb;
    if (isLetter || byte === 0xf0 || byte === 0x40 || byte === 0x6b) own++;
    else if (byte === 0x20 || byte === 0x2c) return false;
  }
  return own * 20 > head.length * 17;
}
