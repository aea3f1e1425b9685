/**
 * Maps items with up to `atOnce` calls in progress. The results come in the order of the items; an error is thrown in its
 * turn, and no further call is begun after it. None is in progress any more when this has ended, however it ended.
 */
export async function* mapAhead<T, R>(
  items: Iterable<T> | AsyncIterable<T>,
  atOnce: number,
  map: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const begun: Promise<R>[] = [];
  try {
    for await (const item of items) {
      const result = map(item);
      // It is thrown in its turn, and nothing waits for it until then.
      result.catch(() => undefined);
      begun.push(result);
      if (begun.length < atOnce) continue;
      const [first] = begun.splice(0, 1);
      if (first) yield await first;
    }
    for (const result of begun) yield await result;
  } finally {
    await Promise.allSettled(begun);
  }
}

/** Handles each item, up to `atOnce` at a time. After an error, no further one is begun. */
export async function forEachAtOnce<T>(
  items: Iterable<T> | AsyncIterable<T>,
  atOnce: number,
  handle: (item: T) => Promise<unknown>,
): Promise<void> {
  const handled = mapAhead(items, atOnce, handle);
  while (!(await handled.next()).done);
}
