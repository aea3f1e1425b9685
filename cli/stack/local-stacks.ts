import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const localStack = z.object({
  endpointUrl: z.url(),
  /** Of the endpoint: what `down` stops. */
  stateDir: z.string(),
  /** `given`: it was running before and isn't ours to stop. */
  kind: z.enum(['given', 'ministack', 'docker']),
});
const localStacks = z.record(z.string(), localStack);

/** A stack that was deployed to a local cloud from here. */
export type LocalStack = z.infer<typeof localStack>;
export type LocalStacks = Record<string, LocalStack>;

const fileIn = (stateDir: string): string => join(stateDir, 'stacks.json');

/** Empty where nothing was brought up yet, or by another version. */
export function readLocalStacks(stateDir: string): LocalStacks {
  try {
    return localStacks.parse(JSON.parse(readFileSync(fileIn(stateDir), 'utf8')));
  } catch {
    return {};
  }
}

export function rememberStack(stateDir: string, name: string, stack: LocalStack): void {
  write(stateDir, { ...readLocalStacks(stateDir), [name]: stack });
}

export function forgetStack(stateDir: string, name: string): void {
  const { [name]: _gone, ...others } = readLocalStacks(stateDir);
  write(stateDir, others);
}

/** By renaming: a reader never sees half of it. */
function write(stateDir: string, stacks: LocalStacks): void {
  mkdirSync(stateDir, { recursive: true });
  const draft = `${fileIn(stateDir)}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(stacks, null, 2)}\n`);
  renameSync(draft, fileIn(stateDir));
}
