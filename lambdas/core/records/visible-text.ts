/** Characters that are invisible, or that can't be in a sentence; the plain space is visible enough between others. */
const invisible = /[\p{C}\p{Zl}\p{Zp}\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000\ufffd]/gu;

/**
 * Foreign text as a sentence quotes it, if invisible characters may be the fault: `Spot<U+200B>ID`.
 * @param maxCharacters of the text; the result has at most four times as many, or 16
 */
export function visibleText(text: string, maxCharacters: number): string {
  const most = Math.max(16, 4 * maxCharacters);
  let shown = '';
  let characters = 0;
  const blanks = /^ | $/.test(text);
  for (const character of text.slice(0, 2 * maxCharacters)) {
    const isOuterBlank = blanks && character === ' ' && (shown === '' || characters === text.length - 1);
    const next = isOuterBlank ? codePoint(character) : character.replace(invisible, codePoint);
    if (characters === maxCharacters || shown.length + next.length > most) return `${shown}…`;
    shown += next;
    characters++;
  }
  return shown;
}

export function hasInvisible(text: string): boolean {
  return text.search(invisible) !== -1;
}

function codePoint(character: string): string {
  return `<U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}>`;
}
