import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { z } from 'zod';

/** SPDX ids that require only a notice. A person must read any other license first. */
const allowed = ['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT', 'MIT-0'];

/** Run on the developer’s machine alone. */
const nodes = /^node_modules\/node-(bin-)?(darwin|linux)-/;

const lockfile = z
  .object({ packages: z.record(z.string(), z.object({ license: z.string().optional(), dev: z.boolean().optional() })) })
  .parse(JSON.parse(readFileSync(resolve(import.meta.dirname, '../../../package-lock.json'), 'utf8')));

it('the dependencies of the functions have licenses that allow redistribution', () => {
  const atRunTime = Object.entries(lockfile.packages).filter(
    ([path, { dev }]) => path !== '' && !dev && !nodes.test(path),
  );
  expect(atRunTime.length).toBeGreaterThan(20);
  const others = atRunTime.filter(([, { license = 'none' }]) => !allowed.includes(license));
  expect(others.map(([path, { license }]) => `${path}: ${license ?? 'none'}`)).toEqual([]);
});
