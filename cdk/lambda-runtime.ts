/**
 * The flags that Lambda's runtime starts Node with, from the function's memory. They stand on the command line, so that
 * `NODE_OPTIONS` can't change them. Local clouds start Node without: there `NODE_OPTIONS` has them.
 */
export function bootstrapFlags(memoryMb: number): string[] {
  const young = Math.floor(memoryMb / 10);
  return [`--max-semi-space-size=${Math.floor(young / 2)}`, `--max-old-space-size=${memoryMb - young}`];
}
