/** S3 form-encodes a listing's keys: a space is a plus sign. */
export function decoded(key: string): string {
  return decodeURIComponent(key.replaceAll('+', ' '));
}
