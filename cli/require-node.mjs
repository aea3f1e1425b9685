// Loaded before everything else (`node --import`), in JavaScript: an older Node cannot read TypeScript, and its message
// about that does not say what to do.
import process from 'node:process';
import { isNewEnough, leastNode } from './node-version.mjs';

if (!isNewEnough(process.version)) {
  process.stderr.write(
    `sluice: this is Node ${process.version}, and Sluice needs ${leastNode} or newer. Run \`npm ci\`, which installs one ` +
      `into node_modules, and start through npm (\`npm run …\`), or install Node ${leastNode} or newer.\n`,
  );
  process.exit(1);
}
