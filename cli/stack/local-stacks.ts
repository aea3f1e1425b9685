import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const localStack = z.object({
  endpointUrl: z.url(),
  /** The endpoint's process, which `down` stops. */
  stateDir: z.string(),
  /** `given`: it was running before, so `down` does not stop it. */
  kind: z.enum(['given', 'ministack', 'docker']),
});
const localStacks = z.record(z.string(), localStack);

/** A stack that was deployed from this folder to a local cloud. */
export type LocalStack = z.infer<typeof localStack>;
export type LocalStacks = Record<string, LocalStack>;

const fileIn = (stateDir: string): string => join(stateDir, 'stacks.json');

/** Empty if no stack has been brought up, or if another version wrote the file. */
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

/** Replaces the file by renaming, so that a reader never sees a partial one. */
function write(stateDir: string, stacks: LocalStacks): void {
  mkdirSync(stateDir, { recursive: true });
  const draft = `${fileIn(stateDir)}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(stacks, null, 2)}\n`);
  renameSync(draft, fileIn(stateDir));
}
