import type { CommandNode, OptionNode, ValueNode } from './command-tree.ts';
import { firstSentence } from './first-sentence.ts';
import { wordTables } from './word-tables.ts';

/** A script that completes the command line in zsh, with descriptions. */
export function zshCompletion(tree: readonly CommandNode[], globals: readonly OptionNode[]): string {
  const { nodes, groups, values } = wordTables(tree, globals, offer);
  const offers = nodes.map(({ path, commands, options, arguments: [argument] }) => {
    const flags = options.flatMap((option) => option.flags.map((flag) => described(flag, option.description)));
    const words = commands.map(({ word, description }) => described(word, description));
    const rest = words.length > 0 ? describe('command', words) : argument ? offer(argument) : ':';
    return `    '${path}') if [[ $PREFIX == -* ]]; then ${describe('option', flags)}; else ${rest}; fi ;;`;
  });
  return `#compdef sluice
# Completion of sluice for zsh. Add to ~/.zshrc, after compinit: eval "$(sluice completion zsh)"
_sluice() {
  # Not named path: in zsh that is the PATH.
  local at='' word i
  local -a offered
  for ((i = 2; i < CURRENT; i++)); do
    word=$words[i]
    case "$at/$word" in
      ${groups}) at="\${at:+$at }$word" ;;
    esac
  done
  # --feed=traffic is one word.
  if [[ $PREFIX == --*=* ]]; then
    word=\${PREFIX%%=*}
    compset -P '*='
  else
    word=$words[CURRENT-1]
  fi
  case "$at/$word" in
${values}
    *) _sluice_anything ;;
  esac
}
_sluice_anything() {
  case "$at" in
${offers.join('\n')}
  esac
}
compdef _sluice sluice
`;
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** \`_describe\` takes \`word:description\`. */
const described = (word: string, description: string): string =>
  quoted(`${word.replaceAll(':', '\\:')}:${firstSentence(description)}`);

const describe = (what: string, words: readonly string[]): string =>
  `offered=(${words.join(' ')}); _describe -t ${what}s ${what} offered`;

function offer({ choices, isPath }: ValueNode): string {
  if (choices.length > 0) return `compadd -- ${choices.join(' ')}`;
  return isPath ? '_files' : ':';
}
