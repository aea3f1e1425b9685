import type { Problem } from './problem.ts';

const label =
  /^(?:grand[ -]?|sub[ -]?)?(?:totals?|sums?|summe|gesamt)(?: (?:rows?|records?|spots?|lines?|count|duration|seconds?))?\s*[:=]?\s*[0-9.,:]*$/i;
const count =
  /^\(?[0-9][0-9.,]* (?:rows?|records?|spots?|lines?)(?: (?:affected|selected|exported|returned|written))?\)?\.?$/i;

/** Longer text is not a label. Bounds the time of the patterns above. */
const maxCharacters = 100;

/**
 * The problem of a row that can't be sent, if it looks like the totals at the end of reports: then the rejection should
 * say so, instead of that fields are missing. Only called for rows that are rejected anyway.
 * @param fields in the file's order
 */
export function totalsProblem(fields: readonly unknown[]): Problem | undefined {
  const first = fields.find((field) => typeof field === 'string' && field.trim() !== '');
  if (typeof first !== 'string') return undefined;
  const text = first.trim();
  if (text.length > maxCharacters) return undefined;
  if (!label.test(text) && !count.test(text)) return undefined;
  return {
    reason: 'totals_row',
    field: null,
    message: 'row looks like a total or a count at the end of a report, not like data',
  };
}
