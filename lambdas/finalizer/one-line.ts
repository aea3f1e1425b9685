/** A key may contain any character. */
export function oneLine(key: string): string {
  return key.replace(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/gu, '·');
}
