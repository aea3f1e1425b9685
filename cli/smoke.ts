import { enableCompileCache } from 'node:module';

enableCompileCache();
const { main } = await import('./smoke/main.ts');
await main(process.argv.slice(2));
