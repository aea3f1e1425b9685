/**
 * Merges sorted streams into one, reading no further ahead than one value of each. A value that equals the one before, by
 * `compare`, is left out.
 */
export async function* mergeSorted<T>(
  streams: readonly AsyncIterable<T>[],
  compare: (a: T, b: T) => number,
): AsyncGenerator<T> {
  const iterators = streams.map((stream) => stream[Symbol.asyncIterator]());
  const heads = await Promise.all(iterators.map((each) => each.next()));
  let last: T | undefined;
  try {
    for (;;) {
      let first = -1;
      for (const [index, head] of heads.entries()) {
        if (head.done === true) continue;
        const best = heads[first];
        if (best === undefined || best.done === true || compare(head.value, best.value) < 0) first = index;
      }
      const head = heads[first];
      if (head === undefined || head.done === true) return;
      if (last === undefined || compare(last, head.value) !== 0) yield head.value;
      last = head.value;
      heads[first] = (await iterators[first]?.next()) ?? { done: true, value: undefined };
    }
  } finally {
    // The reader may stop early.
    for (const each of iterators) await each.return?.();
  }
}
