/** The fields of one CSV record whose quotes the scanner has found in order (RFC 4180). */
export function parseCsvFields(text: string, delimiter: string): string[] {
  if (!text.includes('"')) return text.split(delimiter);
  const fields: string[] = [];
  let at = 0;
  for (;;) {
    const field = text[at] === '"' ? quotedField(text, at + 1) : plainField(text, at, delimiter);
    fields.push(field.value);
    if (field.after >= text.length) return fields;
    at = field.after + 1;
    // A delimiter at the very end begins one more, empty field.
    if (at === text.length) return [...fields, ''];
  }
}

function plainField(text: string, from: number, delimiter: string): { value: string; after: number } {
  const end = text.indexOf(delimiter, from);
  const after = end === -1 ? text.length : end;
  return { value: text.slice(from, after), after };
}

function quotedField(text: string, from: number): { value: string; after: number } {
  let value = '';
  let at = from;
  for (;;) {
    const close = text.indexOf('"', at);
    if (close === -1) return { value: value + text.slice(at), after: text.length };
    value += text.slice(at, close);
    if (text[close + 1] !== '"') return { value, after: close + 1 };
    value += '"';
    at = close + 2;
  }
}
