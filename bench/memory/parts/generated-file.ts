import { setImmediate } from 'node:timers/promises';
import { chunksOf, repeatedExport, sizeOf } from '../../splitter-cases.ts';
import { from, newFile } from '../../splitter-in-memory.ts';

export const csv = { name: 'csv', format: 'csv' } as const;

/** A CSV of at least that many rows, made when it is read. */
export function generatedFile(records: number) {
  const content = repeatedExport(csv);
  const bytes = (records * content.block.length) / content.marks.length;
  const chunks = () => chunksOf(content, bytes);
  return {
    file: newFile(csv, sizeOf(content, bytes)),
    chunks,
    /** As a socket has them: each in a turn of the event loop, without which V8 hardly frees any. */
    read: async function* (this: void, offset: number): AsyncGenerator<Buffer> {
      for (const chunk of from(chunks(), offset)) {
        await setImmediate();
        yield chunk;
      }
    },
  };
}
