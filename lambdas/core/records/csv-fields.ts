import type { Problem } from '../problem.ts';

export type CsvFields = { kind: 'fields'; fields: string[] } | { kind: 'problem'; problem: Problem };

/** The fields of one CSV record, given without its line break. RFC 4180, strict about quotes as `CsvScanner` is. */
export function splitFields(text: string, delimiter: string): CsvFields {
  if (!text.includes('"')) return { kind: 'fields', fields: text.split(delimiter) };
  const fields: string[] = [];
  let at = 0;
  for (;;) {
    let end: number;
    if (text[at] === '"') {
      const close = closingQuote(text, at + 1);
      if (close === -1)
        return problem('unclosed_quote', `the quote that opens field ${fields.length + 1} is not closed`);
      fields.push(text.slice(at + 1, close).replaceAll('""', '"'));
      end = close + 1;
      if (end < text.length && text[end] !== delimiter) {
        return problem('text_after_quote', `field ${fields.length} goes on after its closing quote`);
      }
    } else {
      const next = text.indexOf(delimiter, at);
      end = next === -1 ? text.length : next;
      const field = text.slice(at, end);
      if (field.includes('"')) {
        return problem('bare_quote', `field ${fields.length + 1} has a quote in it but does not begin with one`);
      }
      fields.push(field);
    }
    if (end >= text.length) return { kind: 'fields', fields };
    at = end + 1;
  }
}

function closingQuote(text: string, from: number): number {
  let at = from;
  for (;;) {
    at = text.indexOf('"', at);
    if (at === -1 || text[at + 1] !== '"') return at;
    at += 2;
  }
}

function problem(reason: Problem['reason'], message: string): CsvFields {
  return { kind: 'problem', problem: { reason, field: null, message } };
}
