import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { bootstrapFlags } from '../../cdk/lambda-runtime.ts';
import type { MemoryFigures } from './measure-part.ts';
import { memoryParts } from './memory-parts.ts';

const run = promisify(execFile);

/** Measures parts at each number of records, which are multiples of 500. @param onPart is called with each figure */
export async function measureMemory(
  sizes: readonly number[],
  parts: readonly string[] = Object.keys(memoryParts),
  onPart: (figures: MemoryFigures) => void = () => undefined,
): Promise<MemoryFigures[]> {
  const root = mkdtempSync(join(tmpdir(), 'sluice-memory-'));
  const path = fileURLToPath(new URL('measure-part.ts', import.meta.url));
  const all: MemoryFigures[] = [];
  const least = String(Math.max(...sizes));
  try {
    for (const part of parts) {
      const { memoryMb } = memoryParts[part] ?? {};
      for (const records of sizes) {
        const flags = [...process.execArgv, ...(memoryMb === undefined ? [] : bootstrapFlags(memoryMb)), '--expose-gc'];
        const { stdout } = await run(process.execPath, [...flags, path, part, String(records), least, root]);
        const figures = JSON.parse(stdout) as MemoryFigures;
        all.push(figures);
        onPart(figures);
      }
    }
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
  return all;
}

/** How much more memory each part takes for the most records than for the fewest. */
export function growthOf(all: readonly MemoryFigures[]): Record<string, number> {
  const growth: Record<string, number> = {};
  for (const name of new Set(all.map(({ part }) => part))) {
    const ofPart = all.filter(({ part }) => part === name).sort((a, b) => a.records - b.records);
    const [fewest, most] = [ofPart[0], ofPart.at(-1)];
    if (fewest && most && most !== fewest) growth[name] = most.peakMb / fewest.peakMb;
  }
  return growth;
}
