import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { printReceipts } from '../../../cli/archive/print-receipts.ts';
import type { RunPart } from '../memory-part.ts';

export const run: RunPart = async (records, root) => {
  const reader = new Writable({ write: (_chunk, _encoding, done) => void setImmediate(done) });
  await printReceipts(createReadStream(join(root, String(records), 'receipts.ndjson.gz')), reader);
};
