import type { MemoryPart } from './memory-part.ts';

const ofFunction = { memoryMb: 1769, limitsYoungHeap: true };

const ofCommand = { limitsYoungHeap: true };

/** In the order in which they are measured. Each is loaded alone: other parts' code would be counted too. */
export const memoryParts: Record<string, MemoryPart> = {
  splitter: { ...ofFunction, load: () => import('./parts/splitter.ts') },
  'splitter, sending again': { ...ofFunction, load: () => import('./parts/splitter-again.ts') },
  consumer: { memoryMb: 256, load: () => import('./parts/consumer.ts') },
  finalizer: { ...ofFunction, load: () => import('./parts/finalizer.ts') },
  reconciler: { memoryMb: 512, limitsYoungHeap: true, load: () => import('./parts/reconciler.ts') },
  verify: { ...ofCommand, load: () => import('./parts/verify.ts') },
  evidence: { ...ofCommand, load: () => import('./parts/evidence.ts') },
  receipts: { ...ofCommand, load: () => import('./parts/receipts.ts') },
  'second verifier': { load: () => import('./parts/second-verifier.ts') },
  "control room's rates": { ...ofCommand, load: () => import('./parts/rates.ts') },
};
