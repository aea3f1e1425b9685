/** A separate process for each size: a memory peak can't be reset. */
import { readFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { batchJson } from '../lambdas/core/records/slice-body.ts';
import { splitFile } from '../lambdas/splitter/split-file.ts';
import { chunksOf, repeatedExport, sizeOf, splitterCases } from './splitter-cases.ts';
import { from, newFile, portsInMemory, wholeInvocation } from './splitter-in-memory.ts';

export interface MemoryFigures {
  megabytes: number;
  bytes: number;
  peakRssBytes: number;
  seconds: number;
}

async function measure(name: string, megabytes: number): Promise<MemoryFigures> {
  const one = splitterCases.find((each) => each.name === name);
  if (!one) throw new Error(`There is no case '${name}'.`);
  const content = repeatedExport(one);
  const bytes = sizeOf(content, megabytes * 1e6);
  const ports = portsInMemory(
    (offset) => from(chunksOf(content, megabytes * 1e6), offset),
    async (messages) => {
      // As the adapter does; then the call is in flight while the splitter continues.
      const bodies = messages.map(batchJson);
      await setImmediate();
      if (bodies.includes('')) throw new Error('empty');
    },
  );
  const start = performance.now();
  await splitFile('file', newFile(one, bytes), ports, wholeInvocation);
  const seconds = (performance.now() - start) / 1000;
  const file = await ports.ledger.getFile('file');
  if (file?.state !== 'split') throw new Error(`The file is ${file?.state}.`);
  return { megabytes, bytes, peakRssBytes: peakRss(), seconds };
}

/** The process's own. Elsewhere than on Linux getrusage must do, which there may count what its parent had at the fork. */
function peakRss(): number {
  try {
    const own = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'));
    if (own) return Number(own[1]) * 1024;
  } catch {
    // Not Linux.
  }
  return process.resourceUsage().maxRSS * 1024;
}

const [name, megabytes] = process.argv.slice(2);
console.log(JSON.stringify(await measure(String(name), Number(megabytes))));
