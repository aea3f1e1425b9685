import { setImmediate } from 'node:timers/promises';
import { splitFile } from '../../../lambdas/splitter/split-file.ts';
import { portsInMemory, wholeInvocation } from '../../splitter-in-memory.ts';
import type { RunPart } from '../memory-part.ts';
import { generatedFile } from './generated-file.ts';

export const run: RunPart = async (records) => {
  const { file, read } = generatedFile(records);
  const ports = portsInMemory(
    read,
    // A call takes a turn of the event loop.
    async () => setImmediate(),
  );
  await splitFile('file', file, ports, wholeInvocation);
  const { state } = (await ports.ledger.getFile('file')) ?? {};
  if (state !== 'split') throw new Error(`The file is ${state}.`);
};
