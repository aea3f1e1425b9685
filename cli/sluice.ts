import { enableCompileCache } from 'node:module';

// Halves the start-up time; must be enabled before the rest is loaded.
enableCompileCache();
const { limitYoungHeap, loadInYoungHeap } = await import('../lambdas/runtime/limit-young-heap.ts');
const { main } = await loadInYoungHeap(() => import('./main.ts'));
// Otherwise Node lets it grow to 134 MB, with hardly anything in it but garbage.
limitYoungHeap();
await main(process.argv);
