/**
 * The flags that Lambda's runtime starts Node with, from the function's memory. They are on the command line, so
 * `NODE_OPTIONS` can't change them. Local clouds start Node without them, so there they are in `NODE_OPTIONS`.
 */
export function bootstrapFlags(memoryMb: number): string[] {
  const young = Math.floor(memoryMb / 10);
  return [`--max-semi-space-size=${Math.floor(young / 2)}`, `--max-old-space-size=${memoryMb - young}`];
}
