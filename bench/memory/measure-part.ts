/** A process for each part and size, since V8 keeps what it once had: `node measure-part.ts PART RECORDS LEAST ROOT`. */
import { writeFileSync } from 'node:fs';
import { limitYoungHeap } from '../../lambdas/runtime/limit-young-heap.ts';
import { peakOf } from '../delivery/cpu-by-part.ts';
import { memoryParts } from './memory-parts.ts';

export interface MemoryFigures {
  part: string;
  records: number;
  /** The most resident memory of the process while the file was gone through, or several of that size. */
  peakMb: number;
  /** What was left afterwards: objects in use, and buffers outside of the heap. */
  keptMb: number;
  /** Of one file. */
  seconds: number;
}

/**
 * Files that are gone through before: then code is compiled, V8 has sized its heap, and it has let some buffers of a part
 * that only copies lie already.
 */
const warmUps = 3;
const warmUpMs = 5_000;
const warmUpRecords = 100_000;

/**
 * V8 lets garbage lie, up to an amount that does not depend on a file's size, and a process that works for longer comes
 * nearer to it. So that sizes differ in nothing else, files are gone through one after the other until they have `least`
 * records.
 */
async function measure(name: string, records: number, least: number, root: string): Promise<MemoryFigures> {
  const part = memoryParts[name];
  if (!part) throw new Error(`There is no part '${name}'.`);
  if (part.limitsYoungHeap) limitYoungHeap();
  const { run } = await part.load();
  const warmAt = performance.now() + warmUpMs;
  for (let round = 0; round < warmUps || performance.now() < warmAt; round++) await run(warmUpRecords, root);
  resetPeak();
  const start = performance.now();
  const files = Math.ceil(least / records);
  const ofOthers: number[] = [];
  for (let file = 0; file < files; file++) ofOthers.push((await run(records, root)) ?? 0);
  const seconds = (performance.now() - start) / 1000 / files;
  const peakMb = Math.max(...ofOthers) || (peakOf(process.pid) ?? NaN);
  // V8 counts a buffer that a collection has freed until the next one.
  for (let round = 0; round < 2; round++) globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return { part: name, records, peakMb, keptMb: Math.round((heapUsed + external) / 1024 ** 2), seconds };
}

/** https://man7.org/linux/man-pages/man5/proc_pid_clear_refs.5.html; elsewhere the peak is that of the whole process. */
function resetPeak(): void {
  try {
    writeFileSync('/proc/self/clear_refs', '5');
  } catch {
    // Not Linux, or not allowed.
  }
}

const [name = '', records = '', least = '', root = ''] = process.argv.slice(2);
console.log(JSON.stringify(await measure(name, Number(records), Number(least), root)));
