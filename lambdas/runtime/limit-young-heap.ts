import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/** It may be twice as large before this takes effect: then it is about as large as Node's own default. Bytes. */
const enoughBytes = 16 * 1024 ** 2;

/**
 * Keeps V8 from enlarging the space of new objects any further. Lambda's runtime allows it 15% of the function's memory
 * (cdk/lambda-runtime.ts): in a function of 1,769 MB it grew for minutes, to 270 MB, with hardly anything in it but garbage.
 * V8 makes it smaller while a process waits: then it may grow again. In a profile of a
 * finalizer whose space stayed at 1 MB, a third of the main thread's time was collections.
 * @param bytes the size from which on it does not grow
 */
export function limitYoungHeap(bytes = enoughBytes): void {
  let isEnough = false;
  const observer = new PerformanceObserver(() => {
    if (youngHeapBytes() >= bytes === isEnough) return;
    isEnough = !isEnough;
    setGrowth(isEnough ? 1 : defaultGrowth);
  });
  observer.observe({ entryTypes: ['gc'] });
}

/**
 * Loads modules while the space of new objects does not grow. They stay, so V8 would enlarge it for each of its
 * collections: to 67 MB for the command line.
 */
export async function loadInYoungHeap<Module>(load: () => Promise<Module>): Promise<Module> {
  setGrowth(1);
  try {
    return await load();
  } finally {
    setGrowth(defaultGrowth);
  }
}

const defaultGrowth = 2;

/** V8 reads this flag each time it would enlarge the space of new objects. */
const setGrowth = (factor: number): void => setFlagsFromString(`--semi-space-growth-factor=${factor}`);

function youngHeapBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')?.space_size ?? 0;
}
