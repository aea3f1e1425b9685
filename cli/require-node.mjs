// Loaded before everything else (`node --import`), in JavaScript: an older Node can't read TypeScript, and would say so
// in words that help nobody.
import process from 'node:process';

const needed = 24;
if (Number(process.versions.node.split('.')[0]) < needed) {
  process.stderr.write(
    `sluice: this is Node ${process.version}, and Node ${needed} or newer is needed: run \`npm ci\` with install scripts ` +
      `allowed, which puts one into node_modules, and start through npm (\`npm run …\`), or install Node ${needed}.\n`,
  );
  process.exit(1);
}
