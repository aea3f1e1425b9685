// npm runs this after `npm ci` (package.json, `prepare`), with the Node that npm itself runs on, which may be an old one.
// It decides which Node the npm scripts use, and reports what is missing before it fails later with an unclear message.
import { spawnSync } from 'node:child_process';
import { existsSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { isNewEnough, leastNode } from '../cli/node-version.mjs';

const modules = fileURLToPath(import.meta.resolve('../node_modules'));
/** Comes first on the PATH of npm scripts. From the optional dependency for this platform, where there is one. */
const bundledNode = join(modules, '.bin', 'node');

const fault = findFault();
if (fault) {
  process.stderr.write(`sluice: ${fault}\n`);
  process.exit(1);
}

function findFault() {
  const client = process.env['npm_config_user_agent'] ?? 'npm/';
  if (!client.startsWith('npm/')) {
    return 'Use npm to install: its lockfile pins every package by hash, and other package managers do not read it.';
  }
  if (!existsSync(join(modules, 'typescript'))) {
    return (
      'The development dependencies are missing, because of NODE_ENV=production or --omit=dev. ' +
      'Sluice is deployed from this checkout and needs them: run `npm ci --include=dev`.'
    );
  }
  if (isNewEnough(process.version)) {
    // Unless npm itself runs on it, as in `npm pack` within an npm script.
    if (!process.execPath.startsWith(realpathSync(modules))) rmSync(bundledNode, { force: true });
    return undefined;
  }
  const { stdout } = spawnSync(bundledNode, ['--version'], { encoding: 'utf8' });
  if (isNewEnough(stdout ?? '')) return undefined;
  return (
    `This is Node ${process.version}, and Sluice needs ${leastNode} or newer. npm has none that runs here ` +
    `(${process.platform} ${process.arch}; it has them for Linux with glibc and for macOS, x64 and arm64): install Node 24.`
  );
}
