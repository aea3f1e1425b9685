import { globSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

/** Offline: they need no stack. */
const withoutStack = ['verify', 'check'];

it('every command in a mail names the stack that it is about', () => {
  const found: string[] = [];
  for (const path of globSync('lambdas/**/*.ts')) {
    for (const line of readFileSync(path, 'utf8').split('\n')) {
      if (/^\s*(\/?\*|\/\/)/.test(line)) continue;
      // In text: after a quote, a blank or a bracket.
      for (const [, command = ''] of line.matchAll(/[\s'"`(>]sluice ([a-z]+) /g))
        if (!withoutStack.includes(command)) found.push(`${path}: ${line.trim()}`);
    }
  }
  expect(found).toEqual([]);
});
