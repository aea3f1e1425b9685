import { chunksOf, repeatedExport, sizeOf } from '../../splitter-cases.ts';
import { newFile } from '../../splitter-in-memory.ts';

export const csv = { name: 'csv', format: 'csv' } as const;

/** A CSV of at least that many rows, made when it is read. */
export function generatedFile(records: number) {
  const content = repeatedExport(csv);
  const bytes = (records * content.block.length) / content.marks.length;
  return { file: newFile(csv, sizeOf(content, bytes)), chunks: () => chunksOf(content, bytes) };
}
