/** Why a record is rejected, as a machine-readable code; `Problem.message` explains it in a sentence. */
export const problemReasons = [
  'invalid_encoding',
  'field_count',
  'bare_quote',
  'text_after_quote',
  'unclosed_quote',
  /** A quoted field holds text that reads as separate rows. */
  'swallowed_rows',
  /** A carriage return or line feed in a field without quotes. */
  'stray_line_break',
  /** A character that no text contains on purpose: NUL, Ctrl-Z, a byte-order mark. */
  'stray_character',
  /** The header repeated, in other letters. */
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
  /** For a file that is a record of a bundle. */
  'empty',
  'source_gone',
  'source_replaced',
  /** Reading or mapping it failed in an unforeseen way. */
  'unreadable',
  /** Nothing is wrong with it, but a person has to check it. */
  'review',
] as const;
export type ProblemReason = (typeof problemReasons)[number];

/** The fault of one record. */
export interface Problem {
  reason: ProblemReason;
  /** The source's name of the field at fault; null if the whole record is. */
  field: string | null;
  message: string;
}
