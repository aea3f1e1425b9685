/** Available from Node 22 on; TypeScript's types don't include them yet. */
const json = JSON as typeof JSON & { rawJSON(text: string): object; isRawJSON(value: unknown): boolean };
type SourceReviver = (this: object, key: string, value: unknown, context: { source?: string }) => unknown;

/**
 * Sixteen digits, or an exponent: a number that a double may not hold. A string may also match, which costs a little
 * time.
 */
const suspicious = /[0-9][0-9.]{15}|[0-9][eE][-+]?[0-9]/;

/**
 * Like JSON.parse, but a number that a double can't hold becomes `JSON.rawJSON` of its text, so that JSON.stringify
 * writes it unchanged.
 * @throws SyntaxError if it is not JSON
 */
export function parseExactly(text: string): unknown {
  if (!suspicious.test(text)) return JSON.parse(text);
  const keepSource: SourceReviver = (_, value, { source }) =>
    typeof value === 'number' && source !== undefined && decimalOf(source) !== decimalOf(String(value))
      ? json.rawJSON(source)
      : value;
  const value: unknown = JSON.parse(text, keepSource as Parameters<typeof JSON.parse>[1]);
  // If it isn't an object, nothing is written from it.
  return json.isRawJSON(value) ? JSON.parse(text) : value;
}

/** Whether a parsed value represents a number that is written unchanged. */
export function isRawJson(value: object): boolean {
  return Object.isFrozen(value) && json.isRawJSON(value);
}

/**
 * A number's value, independent of its notation: its digits without surrounding zeros, and the last digit's power of ten.
 */
function decimalOf(literal: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([-+]?[0-9]+))?$/.exec(literal) ?? [];
  const digits = (whole + fraction).replace(/^0+/, '');
  // Not by a pattern: that would start again at each zero in the middle of a long number.
  let end = digits.length;
  while (digits[end - 1] === '0') end--;
  const significant = digits.slice(0, end);
  // A value that isn't a decimal (Infinity) equals no other.
  if (significant === '') return whole === '' ? literal : '0';
  return `${sign}${significant}e${Number(exponent) - fraction.length + digits.length - significant.length}`;
}

/**
 * The notation of the numbers of an object's own fields: `30.0` and `3e1` are both 30 after parsing.
 * @param text a JSON object
 * @throws SyntaxError if it is not JSON
 */
export function numberLiterals(text: string, fields: readonly string[]): Map<string, string> {
  // A record may have thousands of fields.
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
  return literalsOf.get(object) ?? new Map<string, string>();
}
