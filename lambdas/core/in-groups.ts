/**
 * Consecutive items in groups of at most `count` items that together have at most `size`, each as large as it can be. An
 * item that is larger than that has a group of its own.
 */
export function* inGroups<T>(
  items: Iterable<T>,
  most: { count: number; size: number },
  sizeOf: (item: T) => number,
): Generator<T[]> {
  let group: T[] = [];
  let total = 0;
  for (const item of items) {
    const size = sizeOf(item);
    if (group.length === most.count || (group.length > 0 && total + size > most.size)) {
      yield group;
      [group, total] = [[], 0];
    }
    group.push(item);
    total += size;
  }
  if (group.length > 0) yield group;
}
