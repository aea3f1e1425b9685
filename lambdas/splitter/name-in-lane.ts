/** A key without its lane's prefix. */
export function nameIn({ keyPrefix }: { keyPrefix: string }, key: string): string {
  return key.startsWith(keyPrefix) ? key.slice(keyPrefix.length) : key;
}
