import { enableCompileCache } from 'node:module';

enableCompileCache();
const { main } = await import('./demo/main.ts');
await main();
