import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';

/**
 * The size of the space of new objects, in MB, after a process with Lambda's flags has made garbage for a while.
 * @param setUp what it does before
 */
function sizeAfterGarbage(setUp: string): number {
  const script = `
    import { getHeapSpaceStatistics } from 'node:v8';
    import { setImmediate } from 'node:timers/promises';
    async function makeGarbage() {
      let kept = [];
      for (let turn = 0; turn < 400; turn++) {
        for (let n = 0; n < 500; n++) kept.push({ turn, text: 'x'.repeat(40) + n, list: [n, turn] });
        if (kept.length > 60_000) kept = [];
        await setImmediate();
      }
    }
    ${setUp}
    await makeGarbage();
    console.log(getHeapSpaceStatistics().find((space) => space.space_name === 'new_space').space_size / 1e6);
  `;
  const flags = ['--expose-gc', '--max-semi-space-size=88', '--input-type=module', '--eval', script];
  const said = execFileSync(process.execPath, flags, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  return Number(said.trim().split('\n').at(-1));
}

const imported = (path: string): string => `await import(${JSON.stringify(resolve(path))})`;

it('the space of new objects stops growing long before what Lambda’s flags allow', () => {
  expect(sizeAfterGarbage('')).toBeGreaterThan(34);
  expect(sizeAfterGarbage(`(${imported('lambdas/runtime/limit-young-heap.ts')}).limitYoungHeap();`)).toBeLessThan(34);
});

it('it grows again after V8 has made it small, as it does while a process waits', () => {
  const limits = `(${imported('lambdas/runtime/limit-young-heap.ts')}).limitYoungHeap();`;
  const shrinks = "gc({ type: 'major', execution: 'sync', flavor: 'last-resort' });";
  expect(sizeAfterGarbage(`${limits} await makeGarbage(); ${shrinks}`)).toBeGreaterThan(8);
});

it('it stops growing in the command line too', () => {
  const runSluice = `process.argv.splice(1, Infinity, 'sluice', '--version'); ${imported('cli/sluice.ts')};`;
  expect(sizeAfterGarbage(runSluice)).toBeLessThan(34);
});
