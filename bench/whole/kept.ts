import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { BenchFigures } from './bench-figures.ts';

const results = resolve(import.meta.dirname, '../results');

export function newestKept(): BenchFigures | undefined {
  if (!existsSync(results)) return undefined;
  const newest = readdirSync(results)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .at(-1);
  return newest === undefined ? undefined : (JSON.parse(readFileSync(join(results, newest), 'utf8')) as BenchFigures);
}

/** @returns where */
export function keep(figures: BenchFigures): string {
  mkdirSync(results, { recursive: true });
  const path = join(results, `${figures.at.slice(0, 16).replace(':', '')}.json`);
  writeFileSync(path, `${JSON.stringify(figures, null, 2)}\n`);
  return path;
}
