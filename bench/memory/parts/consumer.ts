import { deliverBatch } from '../../../lambdas/consumer/deliver-batch.ts';
import { consumerPorts, splitExport } from '../../consumer/consumer-in-memory.ts';
import { wholeInvocation } from '../../splitter-in-memory.ts';
import type { RunPart } from '../memory-part.ts';

/** The test's own ledger is in memory, and gets no larger than this. */
const rowsInFile = 20_000;

/** All batches are alike for a consumer. The API takes no time. */
export const run: RunPart = async (records) => {
  const sink = { deliver: async () => ({ kind: 'uploaded', status: 201 }) as const };
  for (let done = 0, seed = 1; done < records; done += rowsInFile, seed++) {
    const { messages, ledger } = await splitExport(Math.min(rowsInFile, records - done), seed);
    const ports = consumerPorts(ledger, sink, 10);
    for (const message of messages) await deliverBatch(message, ports, wholeInvocation);
  }
};
