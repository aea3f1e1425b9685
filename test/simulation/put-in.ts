import { registerHooks } from 'node:module';
import type { Mutation } from './mutations.ts';

/** Puts a mutation into this process, before its file is imported. @throws Error if the file has no such text */
export function putIn({ name, file, from, to }: Mutation): void {
  const mutated = new URL(`../../${file}`, import.meta.url).href;
  registerHooks({
    load(url, context, next) {
      const loaded = next(url, context) as { format: string; source: Buffer | string };
      if (url !== mutated) return loaded;
      const text = loaded.source.toString();
      if (!text.includes(from)) throw new Error(`${file} has no place for: ${name}`);
      return { ...loaded, source: text.replace(from, () => to) };
    },
  });
}
