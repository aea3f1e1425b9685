/**
 * Somebody else's text on one line, as a sentence, a letter or a log may quote it: nothing that moves a cursor, ends a
 * line, turns the writing round, or that SQS refuses.
 */
export function plainText(text: string, maxCharacters: number): string {
  const plain = text.replace(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069\uFFFE\uFFFF]+/gu, ' ').trim();
  // A cut may go through a pair of surrogates.
  return plain.slice(0, maxCharacters).toWellFormed();
}
