import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { SluiceStack } from '../../cdk/sluice-stack.ts';
import { createStack } from './synthesise.ts';

const root = resolve(import.meta.dirname, '../..');

it('a stack that retains its data is protected from deletion, unless its first deploy says otherwise', () => {
  const { app, settings, stack } = createStack('prod');
  expect(stack.terminationProtection).toBe(true);
  const first = new SluiceStack(app, 'first-deploy', { settings, root, isProtected: false });
  expect(first.terminationProtection).toBe(false);
});
