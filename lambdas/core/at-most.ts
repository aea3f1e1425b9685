/**
 * Does the same to each of many things, so many of them at a time, and returns the results in their order.
 * @throws the first error, once everything that was begun has ended; nothing is begun after it
 */
export async function atMost<T, Result>(
  atOnce: number,
  things: readonly T[],
  work: (thing: T) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const rest = things.entries();
  let failure: { error: unknown } | undefined;
  const worker = async (): Promise<void> => {
    for (const [index, thing] of rest) {
      if (failure) return;
      try {
        results[index] = await work(thing);
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, things.length) }, worker));
  if (failure) throw failure.error;
  return results;
}
