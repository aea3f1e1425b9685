import { enableCompileCache } from 'node:module';

enableCompileCache();
const { main } = await import('./demo/main.ts');
const { runMaintenanceDemo } = await import('./demo/maintenance/run-maintenance-demo.ts');
await main(runMaintenanceDemo);
