import { join } from 'node:path';
import { verifyFile } from '../../../cli/verify/verify-file.ts';
import type { RunPart } from '../memory-part.ts';

export const run: RunPart = async (records, root) => {
  for await (const { sentence, isSkipped } of verifyFile(join(root, String(records), 'manifest.json'), {}))
    if (isSkipped) throw new Error(sentence);
};
