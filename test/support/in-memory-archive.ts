import { Readable } from 'node:stream';
import type { Archive } from '../../lambdas/ports.ts';

/**
 * An archive in a Map. Sources are not copied.
 * @param onPut runs before an object is stored; a test may throw there
 */
export function inMemoryArchive(archived: Map<string, Buffer>, onPut: () => void = () => undefined) {
  const put = async (key: string, body: Readable | string | Buffer) => {
    onPut();
    archived.set(key, body instanceof Readable ? Buffer.concat(await body.toArray()) : Buffer.from(body));
  };
  return {
    copySource: async (_, key) => ({ key }),
    has: async (key) => archived.has(key),
    putStream: put,
    putOnce: async (key, body) => (archived.has(key) ? 'exists' : (await put(key, body), 'stored')),
    getText: async (key) => archived.get(key)?.toString(),
    getStream: async (key) => (archived.has(key) ? Readable.from([archived.get(key)]) : undefined),
  } satisfies Partial<Archive>;
}
