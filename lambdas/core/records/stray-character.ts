/**
 * Characters that no text contains on purpose: a fixed field's padding, a file's end mark, the beginning of another file.
 */
const strayNames: Record<string, string> = {
  '\0': 'a NUL (U+0000)',
  '\x1a': 'a Ctrl-Z (U+001A)',
  '\ufeff': 'a byte-order mark (U+FEFF)',
};

// eslint-disable-next-line no-control-regex -- that is what they are
const stray = /[\0\x1a\ufeff]/;

/** JSON may spell them as escapes: `\u` after an even number of backslashes. */
// eslint-disable-next-line no-control-regex -- that is what they are
const strayOrSpelled = /[\0\x1a\ufeff]|(?<!\\)(?:\\\\)*\\u(0000|001a|feff)/i;

/** The first of them in a text, and its name. */
export function strayCharacterIn(text: string): { character: string; name: string } | undefined {
  const character = stray.exec(text)?.[0];
  return character === undefined ? undefined : { character, name: strayNames[character] ?? '' };
}

/** Its name, if a valid JSON text contains one, as a character or an escape. */
export function strayCharacterInJson(text: string): string | undefined {
  const found = strayOrSpelled.exec(text);
  if (!found) return undefined;
  const [written, spelled] = found;
  return strayNames[spelled === undefined ? written : String.fromCharCode(parseInt(spelled, 16))];
}
