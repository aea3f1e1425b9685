import { enableCompileCache } from 'node:module';

enableCompileCache();
const { main } = await import('./demo/main.ts');
const { runRevisionDemo } = await import('./demo/revision/run-revision-demo.ts');
await main(runRevisionDemo);
