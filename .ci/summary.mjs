// The last line of a CI run: how many tests passed and failed, from vitest's JSON report. Exits non-zero where none ran.
import console from 'node:console';
import { readFileSync } from 'node:fs';
import process from 'node:process';

let report;
try {
  report = JSON.parse(readFileSync(process.argv[2], 'utf8'));
} catch {
  console.log('Tests: 0 passed, 1 failed');
  process.exit(1);
}
const { numPassedTests: passed, numPendingTests: skipped, numFailedTests: failed, testResults } = report;
// A file that could not even be loaded has no tests of its own to fail.
const broken = testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0).length;
console.log(`Tests: ${passed} passed, ${failed + broken} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exit(passed > 0 && failed + broken === 0 ? 0 : 1);
