import { enableCompileCache } from 'node:module';

// Halves the start-up time; must be enabled before the rest is loaded.
enableCompileCache();
const { main } = await import('./main.ts');
await main(process.argv);
