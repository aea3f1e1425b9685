import { setImmediate } from 'node:timers/promises';
import { reemitBatches } from '../../../lambdas/splitter/reemit-batches.ts';
import { claimed, dialectOf, portsInMemory, wholeInvocation } from '../../splitter-in-memory.ts';
import type { RunPart } from '../memory-part.ts';
import { csv, generatedFile } from './generated-file.ts';
import { settledBatches } from './settled-batches.ts';

const lostEvery = 100;

/** A file in batches of two records, one in a hundred of which was lost. */
export const run: RunPart = async (records) => {
  const { file, chunks, read } = generatedFile(records);
  let sent = 0;
  const ports = portsInMemory(read, async (messages) => {
    sent += messages.length;
    // A call takes a turn of the event loop.
    await setImmediate();
  });
  const { fileId, limits } = await claimed(csv, file.source.sizeBytes, ports);
  const [head = Buffer.alloc(0)] = chunks();
  Object.assign(ports.ledger.files.get(fileId) ?? {}, {
    ...{ state: 'split', sha256: '0'.repeat(64), dialect: dialectOf(csv, head) },
    limits: { ...limits, maxBatchRecords: 2 },
  });
  const ledger = { ...ports.ledger, listBatches: () => settledBatches(Infinity, { lostEvery }) };
  await reemitBatches({ v: 1, kind: 'reemit', feed: file.feed, fileId }, { ...ports, ledger }, wholeInvocation);
  if (sent < Math.floor(records / 2 / lostEvery)) throw new Error(`${sent} batches were sent again.`);
};
