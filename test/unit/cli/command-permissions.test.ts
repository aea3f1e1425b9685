import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { treeOf } from '../../../cli/completion/command-tree.ts';
import { createProgram } from '../../../cli/main.ts';
import { commandPermissions, rolePolicies } from '../../../cli/schemas/command-permissions.ts';
import { Terminal } from '../../../cli/terminal/terminal.ts';

const docs = resolve(import.meta.dirname, '../../../docs/iam');
const policies = rolePolicies();

it.each([...policies.keys()])('%s equals the policy derived from what the commands call', (name) => {
  expect(readFileSync(resolve(docs, name), 'utf8')).toBe(policies.get(name));
});

it('every command that uses a deployed stack has its permissions', () => {
  // They call nothing, or deploy the stack; and `ui` has those of the commands that its buttons stand for.
  const others = ['up', 'down', 'check', 'verify', 'ui', 'env', 'fake-api', 'completion'];
  const terminal = new Terminal(new PassThrough(), new PassThrough());
  const leaves = treeOf(createProgram(terminal)).filter(({ commands }) => commands.length === 0);
  expect(Object.keys(commandPermissions).sort()).toEqual(
    leaves
      .map(({ path }) => path)
      .filter((path) => !others.includes(path))
      .sort(),
  );
});

it('a reader may change nothing, and no policy has an action with a wildcard', () => {
  const actionsOf = (name: string) =>
    (JSON.parse(policies.get(name) ?? '') as { Statement: { Action: string[] }[] }).Statement.flatMap(
      ({ Action }) => Action,
    );
  const changes = /:(Put|Update|Delete|Send|Start|Abort|Create)/;
  expect(actionsOf('reader.json').filter((action) => changes.test(action))).toEqual([]);
  expect(actionsOf('operator.json').filter((action) => action.includes('*'))).toEqual([]);
  expect(actionsOf('operator.json')).toEqual(expect.arrayContaining(actionsOf('reader.json')));
});
