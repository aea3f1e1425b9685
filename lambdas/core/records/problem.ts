/** Why a record is rejected, as a word for machines; `Problem.message` is the sentence for people. */
export const problemReasons = [
  'invalid_encoding',
  'field_count',
  'bare_quote',
  'text_after_quote',
  'unclosed_quote',
  /** A quoted field holds text that reads as rows of their own. */
  'swallowed_rows',
  /** A carriage return or line feed in a field without quotes. */
  'stray_line_break',
  /** A character that no text has on purpose: NUL, Ctrl-Z, a byte-order mark. */
  'stray_character',
  /** The header once more, in other letters. */
  'header_row',
  /** A line of totals among the rows. */
  'totals_row',
  'too_long',
  'not_json',
  'not_an_object',
  'duplicate_name',
  'too_deep',
  'missing',
  'blank',
  'wrong_type',
  'not_an_integer',
  'invalid',
  /** Dates and forms that a feed does not know. */
  'not_a_date',
  'unknown_form',
  /** Of a file that is a record of a bundle. */
  'empty',
  'source_gone',
  'source_replaced',
  /** Reading or mapping it failed in a way that nobody foresaw. */
  'unreadable',
  /** Nothing is wrong with it, but a person has to look at it. */
  'review',
] as const;
export type ProblemReason = (typeof problemReasons)[number];

/** What is wrong with one record. */
export interface Problem {
  reason: ProblemReason;
  /** The source's name of the field at fault; null when the record as a whole is. */
  field: string | null;
  message: string;
}
