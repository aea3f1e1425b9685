/** Milliseconds of each task in one round. */
export type Round<Task extends string> = Record<Task, number>;

/**
 * Runs all tasks in turn, several times over: what else the machine does slows each of them alike, and the tasks of one
 * round can be compared. The first round, in which the code is compiled, doesn't count.
 */
export async function interleave<Task extends string>(
  rounds: number,
  tasks: Record<Task, () => void | Promise<void>>,
): Promise<Round<Task>[]> {
  const all: Round<Task>[] = [];
  for (let round = 0; round <= rounds; round++) {
    const times = {} as Round<Task>;
    for (const [name, run] of Object.entries(tasks) as [Task, () => void | Promise<void>][]) {
      // Nobody pays for what another left behind; what a task leaves while it runs is its own.
      globalThis.gc?.();
      const start = performance.now();
      await run();
      times[name] = performance.now() - start;
    }
    if (round > 0) all.push(times);
  }
  return all;
}

export function median(numbers: number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  const upper = sorted[half] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[half - 1] ?? Number.NaN)) / 2;
}
