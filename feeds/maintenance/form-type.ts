export type CanonicalFormType = 'FAA 8130-3' | 'EASA Form 1' | 'OEM service bulletin';

/** Longer text can't be a form's name. Characters. */
export const maxFormTypeCharacters = 200;

/**
 * Each pattern of a spelling must match. The text consists of lower-case words and digits with single spaces between
 * them.
 */
const spellings: [CanonicalFormType, ...RegExp[]][] = [
  ['FAA 8130-3', /\b8130 ?3\b/],
  ['EASA Form 1', /\beasa\b/, /\b(form ?|f)(1|one)\b/],
  ['OEM service bulletin', /\bservice bulletin\b|^(oem )?a?sb\b/],
];

/**
 * The form's canonical name for its usual spellings; undefined for other forms, for texts that name two forms, and for
 * longer texts.
 */
export function canonicalFormType(text: string): CanonicalFormType | undefined {
  if (text.length > maxFormTypeCharacters) return undefined;
  const words = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, ' ')
    .trim();
  const [first, ...others] = spellings.filter(([, ...patterns]) => patterns.every((pattern) => pattern.test(words)));
  return others.length === 0 ? first?.[0] : undefined;
}
