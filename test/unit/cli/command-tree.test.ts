import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { PassThrough } from 'node:stream';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { treeOf } from '../../../cli/completion/command-tree.ts';
import { referenceMark, withCommandReference } from '../../../cli/schemas/command-reference.ts';
import { createProgram } from '../../../cli/main.ts';
import { Terminal } from '../../../cli/terminal/terminal.ts';

/** Commands whose output is not a result, with its kind. */
const withoutJson: Record<string, string> = { completion: 'a script for a shell' };

const programOf = (): Command => createProgram(new Terminal(new PassThrough(), new PassThrough()));

const program = programOf();
const leaves = treeOf(program).filter(({ commands }) => commands.length === 0);

function commandAt(path: string, from: Command): Command {
  const words = path.split(' ');
  return words.reduce((at, word) => at.commands.find((each) => each.name() === word) as Command, from);
}

/** The complete help, with the text added after it. */
function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (part) => void (text += part) });
  command.outputHelp();
  return text;
}

const examplesIn = (help: string): string[] =>
  help
    .slice(help.indexOf('\nExamples:\n'))
    .split('\n')
    .filter((line) => line.startsWith('  sluice '));

/** The words of a command line as a shell splits it, up to a pipe or a redirection. */
function wordsOf(line: string): string[] {
  const words = line.match(/(?:'[^']*'|[^\s'])+/g) ?? [];
  const end = words.findIndex((word) => /^[|<>]/.test(word));
  return words.slice(1, end === -1 ? undefined : end).map((word) => word.replaceAll("'", ''));
}

const page = resolve(import.meta.dirname, '../../../docs/commands.md');
const documented = readFileSync(page, 'utf8');

it('has each command’s options in docs/commands.md; `npm run schemas` writes them', async () => {
  expect(await withCommandReference(documented, page)).toBe(documented);
});

describe.each(leaves.map((leaf) => [leaf.path, leaf] as const))('sluice %s', (path, leaf) => {
  it('has examples in its help, and each of them is a valid command line of this command', async () => {
    const lines = examplesIn(helpOf(commandAt(path, programOf())));
    expect(lines).not.toEqual([]);
    for (const line of lines) {
      const tried = programOf();
      let ran = '';
      // With the command's own parsers, but without its action.
      commandAt(path, tried).action(() => void (ran = path));
      await tried.parseAsync(['node', 'sluice', ...wordsOf(line)]);
      expect(ran, line).toBe(path);
    }
  });

  it.skipIf(path in withoutJson)('takes --json', () => {
    expect(leaf.options.flatMap(({ flags }) => flags)).toContain('--json');
  });

  it('is in the table of docs/commands.md', () => {
    const rows = documented.slice(0, documented.indexOf(referenceMark)).match(/^\| `[^`]+`/gm) ?? [];
    expect(rows.some((row) => new RegExp(`^\\| \`${path}[ \`]`).test(row))).toBe(true);
  });

  it('describes itself, its arguments and its options', () => {
    expect(leaf.description).toMatch(/\.$/);
    expect(leaf.options.filter(({ description }) => description === '')).toEqual([]);
    const undescribed = commandAt(path, program).registeredArguments.filter(({ description }) => description === '');
    expect(undescribed.map((argument) => argument.name())).toEqual([]);
  });
});
