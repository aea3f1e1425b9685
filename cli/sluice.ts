import { enableCompileCache } from 'node:module';

// Halves the time to the first word; it must be on before the rest is loaded.
enableCompileCache();
const { main } = await import('./main.ts');
await main(process.argv);
