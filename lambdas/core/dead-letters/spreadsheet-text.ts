/**
 * Text for a cell of a CSV that people open with a spreadsheet program. No program may read it, or any piece of it, as a
 * formula, with any separator and quotes that the import uses; and the text that comes back is the same, byte for byte.
 */

/**
 * The characters that begin a formula in Excel or LibreOffice, and the forms that some programs fold into them (full
 * width, small, the minus sign). See https://owasp.org/www-community/attacks/CSV_Injection.
 */
const trigger = String.raw`[=+\-@\uff0b\uff0d\uff1d\uff20\ufe62\ufe63\ufe66\ufe6b\u2212]`;

/**
 * Characters that a spreadsheet drops, alters or hides: control characters (after a dropped NUL, `=` is the first
 * character), a lone CR, byte-order marks, line separators, characters that change the direction of writing, half of a
 * surrogate pair.
 */
const fragile = String.raw`[\0-\x08\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff\ufffe\uffff\u2028\u2029\u202a-\u202e\u2066-\u2069]|\p{Cs}|\r(?!\n)`;

/**
 * For a name also its leading and trailing blanks, and line breaks. Names are short: see `maxNameCharacters` in
 * csv-columns.ts.
 */
const fragileInName = String.raw`${fragile}|[\r\n]|(?<=^\s*)\s|\s(?=\s*$)`;

/** Backslashes with the character after them, a trigger outside of a word, or a fragile character. Linear for cells. */
const toEscape = (fragileThere: string): RegExp =>
  new RegExp(
    String.raw`(\\+)(${trigger}|u[0-9a-fA-F]{4}|${fragileThere})?|(?<![\p{L}\p{N}])(${trigger})|(?:${fragileThere})`,
    'gu',
  );
const inCells = toEscape(fragile);
const inNames = toEscape(fragileInName);
const isTrigger = new RegExp(`^${trigger}$`, 'u');
const escaped = new RegExp(String.raw`(\\+)(?:(${trigger})|u([0-9a-fA-F]{4}))?`, 'gu');
const negativeNumber = /^-[0-9]{1,40}(?:\.[0-9]{1,40})?$/;

/**
 * The text for a cell. A backslash is put before each character that could begin a formula, unless a letter or digit
 * precedes it: any other character may be the separator or the quote of an import. Fragile characters become `\u` and
 * four hex digits. A negative number stays unchanged.
 */
export function escapeCell(text: string): string {
  return negativeNumber.test(text) ? text : guarded(text, inCells);
}

/** Like `escapeCell`, for the first cell of a line: with another separator the rest of the line may belong to it. */
export function escapeFirstCell(text: string): string {
  return guarded(text, inCells);
}

function guarded(text: string, tokens: RegExp): string {
  return text.replace(
    tokens,
    (all, slashes: string | undefined, next: string | undefined, bare: string | undefined) => {
      if (bare !== undefined) return `\\${bare}`;
      if (slashes === undefined) return codeOf(all);
      if (next === undefined) return all;
      // A text that looks escaped gets one more backslash.
      if (next.length > 1 || isTrigger.test(next)) return `\\${all}`;
      return codeOf('\\').repeat(slashes.length) + codeOf(next);
    },
  );
}

const codeOf = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** The original text of an escaped cell. */
export function unescapeCell(cell: string): string {
  return cell.replace(escaped, (all, slashes: string, sign: string | undefined, code: string | undefined) => {
    if (sign === undefined && code === undefined) return all;
    if (code !== undefined && slashes.length === 1) return String.fromCharCode(Number.parseInt(code, 16));
    return all.slice(1);
  });
}

/** Letters and underscores, with single spaces between words; or one word that begins with them and also has digits. */
const plainName = /^(?:[\p{L}_]+(?: [\p{L}_]+)*|[\p{L}_][\p{L}\p{N}_]*)$/u;
/** Text that a spreadsheet reads as a truth value, in upper or lower case. */
const truthValue = /^(?:true|false)$/i;

/**
 * A column's name for the header. It must survive whatever a program does with cells (trim blanks, fold line breaks, read
 * `007` or `Mar 5` as a number or a date): otherwise two columns could become one, and no row of the CSV could be read.
 */
export function escapeName(name: string): string {
  if (plainName.test(name) && !truthValue.test(name)) return name;
  return `\\${guarded(name, inNames)}`;
}

/** The original name of an escaped one; a name that was typed without escapes is taken as it is. */
export function unescapeName(cell: string): string {
  const text = cell.trim();
  return text.startsWith('\\') ? unescapeCell(text.slice(1)) : unescapeCell(text);
}
