/**
 * A value as JSON in its one form: names in the order of their UTF-16 code units, no white space, numbers and strings as
 * `JSON.stringify` has them (as RFC 8785). Undefined members are left out.
 */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_name, each: unknown) => (isPlainObject(each) ? sorted(each) : each));
}

const isPlainObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function sorted(object: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : Number(a > b))));
}
