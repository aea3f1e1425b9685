import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';

/** The size of the space of new objects, in MB, after a process with Lambda's flags has made garbage for a while. */
function sizeAfterGarbage(limits: boolean): number {
  const script = `
    import { getHeapSpaceStatistics } from 'node:v8';
    import { setImmediate } from 'node:timers/promises';
    import { limitYoungHeap } from ${JSON.stringify(resolve('lambdas/runtime/limit-young-heap.ts'))};
    if (${limits}) limitYoungHeap();
    let kept = [];
    for (let turn = 0; turn < 400; turn++) {
      for (let n = 0; n < 500; n++) kept.push({ turn, text: 'x'.repeat(40) + n, list: [n, turn] });
      if (kept.length > 60_000) kept = [];
      await setImmediate();
    }
    console.log(getHeapSpaceStatistics().find((space) => space.space_name === 'new_space').space_size / 1e6);
  `;
  const flags = ['--max-semi-space-size=88', '--input-type=module', '--eval', script];
  return Number(execFileSync(process.execPath, flags, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
}

it('the space of new objects stops growing long before what Lambda’s flags allow', () => {
  expect(sizeAfterGarbage(false)).toBeGreaterThan(34);
  expect(sizeAfterGarbage(true)).toBeLessThan(34);
});
