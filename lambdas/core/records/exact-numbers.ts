/** From Node 22 on; the types of the language don't have them yet. */
const json = JSON as typeof JSON & { rawJSON(text: string): object; isRawJSON(value: unknown): boolean };
type SourceReviver = (this: object, key: string, value: unknown, context: { source?: string }) => unknown;

/** Sixteen digits, or an exponent: what a double may not hold. A string may look like it, which costs a little time. */
const suspicious = /[0-9][0-9.]{15}|[0-9][eE][-+]?[0-9]/;

/**
 * JSON.parse, but a number that a double can't hold comes as `JSON.rawJSON` of its text, so that JSON.stringify writes it
 * out as it came in.
 * @throws SyntaxError where it is not JSON
 */
export function parseExactly(text: string): unknown {
  if (!suspicious.test(text)) return JSON.parse(text);
  const keepSource: SourceReviver = (_, value, { source }) =>
    typeof value === 'number' && source !== undefined && decimalOf(source) !== decimalOf(String(value))
      ? json.rawJSON(source)
      : value;
  const value: unknown = JSON.parse(text, keepSource as Parameters<typeof JSON.parse>[1]);
  // Of no object there is nothing to be written out.
  return json.isRawJSON(value) ? JSON.parse(text) : value;
}

/** Whether a parsed value stands for a number that is written out as it came in. */
export function isRawJson(value: object): boolean {
  return Object.isFrozen(value) && json.isRawJSON(value);
}

/** A number's value, however it is written: its digits without zeros around them, and the last one's power of ten. */
function decimalOf(literal: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([-+]?[0-9]+))?$/.exec(literal) ?? [];
  const digits = (whole + fraction).replace(/^0+/, '');
  // Not by a pattern: at each zero in the middle of a long number it would begin anew.
  let end = digits.length;
  while (digits[end - 1] === '0') end--;
  const significant = digits.slice(0, end);
  // What is no decimal (Infinity) is like none.
  if (significant === '') return whole === '' ? literal : '0';
  return `${sign}${significant}e${Number(exponent) - fraction.length + digits.length - significant.length}`;
}

/**
 * How the numbers of an object's own fields are written: `30.0` and `3e1` are both 30 once they are parsed.
 * @param text a JSON object
 * @throws SyntaxError if it is not JSON
 */
export function numberLiterals(text: string, fields: readonly string[]): Map<string, string> {
  // A record may have thousands.
  const wanted = new Set(fields);
  const literalsOf = new Map<object, Map<string, string>>();
  const noteSource: SourceReviver = function (key, value, { source }) {
    if (typeof value === 'number' && source !== undefined && wanted.has(key)) {
      const literals = literalsOf.get(this) ?? new Map<string, string>();
      literalsOf.set(this, literals.set(key, source));
    }
    return value;
  };
  const object = JSON.parse(text, noteSource as Parameters<typeof JSON.parse>[1]) as object;
  return literalsOf.get(object) ?? new Map();
}
