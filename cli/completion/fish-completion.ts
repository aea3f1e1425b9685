import type { CommandNode, OptionNode, ValueNode } from './command-tree.ts';
import { firstSentence } from './first-sentence.ts';

/** A script that completes the command line in fish 3 and newer, with descriptions. */
export function fishCompletion(tree: readonly CommandNode[], globals: readonly OptionNode[]): string {
  const groups = tree.flatMap(({ path, commands }) => commands.map(({ word }) => quoted(`${path}/${word}`)));
  const lines = tree.flatMap(({ path, commands, options, arguments: [argument] }) => {
    const start = `complete -c sluice -n ${quoted(`__sluice_is ${quoted(path)}`)}`;
    return [
      ...commands.map(({ word, description }) => `${start} -f -a ${word} -d ${quoted(firstSentence(description))}`),
      ...(argument ? [`${start} ${offer(argument)}`] : []),
      ...options.map((option) => `${start} ${flagsOf(option)}`),
    ];
  });
  return `# Completion of sluice for fish. Save as ~/.config/fish/completions/sluice.fish
function __sluice_is
    set -l path ''
    for word in (commandline -opc)[2..-1]
        if contains -- "$path/$word" ${groups.join(' ')}
            set path (string trim -- "$path $word")
        end
    end
    test "$path" = "$argv[1]"
end
complete -c sluice -f
${[...lines, ...globals.map((option) => `complete -c sluice ${flagsOf(option)}`)].join('\n')}
`;
}

function flagsOf({ flags, description, value }: OptionNode): string {
  const names = flags.map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`));
  return [...names, ...(value ? [`-r ${offer(value)}`] : []), `-d ${quoted(firstSentence(description))}`].join(' ');
}

function offer({ choices, isPath }: ValueNode): string {
  if (choices.length > 0) return `-f -a ${quoted(choices.join(' '))}`;
  return isPath ? '-F' : '-f';
}

/** In single quotes fish knows two escapes: of the quote and of the backslash. */
const quoted = (text: string): string => `'${text.replaceAll(/[\\']/g, '\\$&')}'`;
