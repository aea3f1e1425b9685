/**
 * Foreign text on one line, as a sentence, a letter or a log may quote it: without anything that moves a cursor, ends a
 * line, changes the direction of writing, or is refused by SQS.
 */
export function plainText(text: string, maxCharacters: number): string {
  const plain = text.replace(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069\uFFFE\uFFFF]+/gu, ' ').trim();
  // The cut may split a surrogate pair.
  return plain.slice(0, maxCharacters).toWellFormed();
}
