import { cpSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';

/**
 * Builds what `npm pack` packs, into dist/: Node runs the sources as they are in a checkout, but it strips no types below
 * node_modules.
 */
const root = resolve(import.meta.dirname, '../..');
// As deep below the root as the modules that look for their neighbours by import.meta.dirname.
const out = join(root, 'dist/cli');

rmSync(join(root, 'dist'), { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: { sluice: 'cli/sluice.ts' },
  outdir: out,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node22',
  // The dependencies are installed with the package.
  packages: 'external',
  logLevel: 'warning',
});
cpSync(join(root, 'cli/ui/page'), join(out, 'page'), { recursive: true });
