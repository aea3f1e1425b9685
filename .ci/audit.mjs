// Known faults of what goes into the functions, by the registry's advisories. High and critical ones fail. A registry
// that can't tell (a mirror, no network) is said to, and fails only with --answer-needed: the gate runs anywhere.
import console from 'node:console';
import { spawnSync } from 'node:child_process';
import process from 'node:process';

const failing = ['high', 'critical'];
const { stdout, stderr, error } = spawnSync('npm', ['audit', '--omit=dev', '--json'], { encoding: 'utf8' });

let report = {};
try {
  report = JSON.parse(stdout);
} catch {
  // No answer, then.
}
if (report.vulnerabilities === undefined) {
  const why = report.message ?? error?.message ?? stderr.trim().split('\n').at(-1);
  console.log(`The registry does not tell of known faults (${why}): nothing was audited.`);
  process.exit(process.argv.includes('--answer-needed') ? 1 : 0);
}
const found = Object.values(report.vulnerabilities);
for (const { name, severity, range, via } of found) {
  const titles = via.filter((each) => typeof each === 'object').map(({ title, url }) => `${title} (${url})`);
  console.log(`${severity}: ${name} ${range}${titles.length > 0 ? `: ${titles.join('; ')}` : ''}`);
}
const grave = found.filter(({ severity }) => failing.includes(severity)).length;
console.log(`Known faults of run-time dependencies: ${found.length}, ${grave} of them high or critical.`);
process.exit(grave > 0 ? 1 : 0);
