import { PassThrough } from 'node:stream';
import { format, resolveConfig } from 'prettier';
import type { CommandNode, OptionNode } from '../completion/command-tree.ts';
import { globalOptionsOf, treeOf } from '../completion/command-tree.ts';
import { createProgram } from '../main.ts';
import { Terminal } from '../terminal/terminal.ts';

/** Begins the generated part of docs/commands.md, which goes on to its end. */
export const referenceMark = '<!-- From here on written by `npm run schemas`. -->';

/**
 * The page with the options of every command behind the mark, as `--help` describes them.
 * @param page the path of docs/commands.md, whose formatting rules apply
 */
export async function withCommandReference(text: string, page: string): Promise<string> {
  const program = createProgram(new Terminal(new PassThrough(), new PassThrough()));
  const leaves = treeOf(program).filter(({ commands }) => commands.length === 0);
  const written = text.slice(0, text.indexOf(referenceMark) + referenceMark.length);
  const reference = [
    '## The options of each command',
    'Every command takes these:',
    listOf(globalOptionsOf(program)),
    ...leaves.flatMap(sectionOf),
  ].join('\n\n');
  return format(`${written}\n\n${reference}\n`, { ...(await resolveConfig(page)), filepath: page });
}

function sectionOf({ path, description, options, arguments: values }: CommandNode): string[] {
  const title = [path, ...values.map(({ text }) => text)].join(' ');
  return [`### \`${title}\``, asMarkdown(description), ...(options.length > 0 ? [listOf(options)] : [])];
}

function listOf(options: readonly OptionNode[]): string {
  return options
    .map(({ flags, value, description, isRequired, fallback }) => {
      const name = `\`${[flags.join(', '), ...(value ? [value.text] : [])].join(' ')}\``;
      // The feeds are left out: the page would change with each feed that is added.
      const isListed = value !== undefined && value.choices.length > 0 && !flags.includes('--feed');
      const choices = isListed ? `; one of ${value.choices.join(', ')}` : '';
      const more = fallback === undefined ? '' : ` (default: ${fallback})`;
      return `- ${name}${isRequired ? ' (required)' : ''}: ${asMarkdown(description)}${choices}${more}`;
    })
    .join('\n');
}

/** Descriptions are plain text: what looks like a tag would vanish from the page. */
const asMarkdown = (text: string): string =>
  text.replaceAll('<', '\\<').replaceAll('*', '\\*').replaceAll(/\b_/g, '\\_');
