import ts from 'typescript';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { readPage, root } from './pages.ts';

const page = readPage('docs/architecture/ledger.md').text;

/** The names in the first column of the table below a heading. */
function documentedAttributes(heading: string): string[] {
  const [, section = ''] = page.split(`## ${heading}\n`);
  const [rows = ''] = section.split('\n## ');
  return rows
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .flatMap((line) => [...(line.split('|')[1] ?? '').matchAll(/`(\w+)`/g)].map(([, name = '']) => name));
}

/** The names of an interface's properties. */
function propertiesOf(file: string, name: string): string[] {
  const source = ts.createSourceFile(file, readFileSync(resolve(root, file), 'utf8'), ts.ScriptTarget.Latest);
  const declaration = source.statements.find((each) => ts.isInterfaceDeclaration(each) && each.name.text === name);
  if (!declaration || !ts.isInterfaceDeclaration(declaration)) throw new Error(`${file} has no interface ${name}.`);
  return declaration.members.map((member) => {
    if (!member.name || !ts.isIdentifier(member.name)) throw new Error(`${name} has a member without a name.`);
    return member.name.text;
  });
}

const account = 'lambdas/core/account/file-account.ts';
/** What the adapter stores beside the account: the keys of the index, and the TTL. */
const listed = ['listPk', 'listSk', 'expiresAt'];

it.each([
  ['`FILE#<file id>` / `FILE`', account, 'FileAccount', listed],
  ['`FILE#<file id>` / `BATCH#<8 digits>`', account, 'BatchAccount', ['expiresAt']],
  ['`FILE#<file id>` / `DEAD#<10 digits>`', account, 'DeadRecord', ['expiresAt']],
  ['`LIMITER#<api>` / `LIMITER`', 'lambdas/core/limiter/limiter-item.ts', 'LimiterItem', []],
])('the table of %s has every attribute of the code, and no other', (heading, file, name, stored) => {
  expect(documentedAttributes(heading).sort()).toEqual([...propertiesOf(file, name), ...stored].sort());
});
