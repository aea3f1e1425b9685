import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { BenchFigures } from './bench-figures.ts';

const results = resolve(import.meta.dirname, '../results');

/** The runs that were kept, the oldest first. */
export function keptRuns(): BenchFigures[] {
  if (!existsSync(results)) return [];
  return readdirSync(results)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => {
      const { waiting, ...run } = JSON.parse(readFileSync(join(results, name), 'utf8')) as BenchFigures;
      // An earlier version measured one pace only.
      return waiting ? { ...run, waiting: [waiting].flat() } : run;
    });
}

/** @returns where */
export function keep(figures: BenchFigures): string {
  mkdirSync(results, { recursive: true });
  const path = join(results, `${figures.at.slice(0, 16).replace(':', '')}.json`);
  writeFileSync(path, `${JSON.stringify(figures, null, 2)}\n`);
  return path;
}
