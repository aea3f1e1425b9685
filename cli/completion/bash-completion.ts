import type { CommandNode, ValueNode } from './command-tree.ts';
import { wordTables } from './word-tables.ts';

/** A script that completes the command line in bash 3.2 and newer. */
export function bashCompletion(tree: readonly CommandNode[], globals: CommandNode['options']): string {
  const { nodes, groups, values } = wordTables(tree, globals, offer);
  const offers = nodes.map(({ path, commands, options, arguments: [argument] }) => {
    const flags = options.flatMap((option) => option.flags).join(' ');
    const words = commands.map(({ word }) => word).join(' ');
    const rest = words === '' ? (argument ? offer(argument) : ':') : offerWords(words);
    return `    '${path}') [[ $cur == -* ]] && ${offerWords(flags)} || ${rest} ;;`;
  });
  return `# Completion of sluice for bash. Add to ~/.bashrc: eval "$(sluice completion bash)"
_sluice_words() { local IFS=$'\\n'; COMPREPLY=($(compgen -W "\${1// /$'\\n'}" -- "$cur")); }
_sluice_paths() {
  local IFS=$'\\n'
  COMPREPLY=($(compgen -f -- "$cur"))
  compopt -o filenames 2>/dev/null || true
}
_sluice() {
  local cur=\${COMP_WORDS[COMP_CWORD]} last=$((COMP_CWORD - 1)) path='' word i
  COMPREPLY=()
  # bash splits --feed=traffic into three words.
  if [[ $cur == '=' ]]; then cur=''; elif [[ \${COMP_WORDS[last]} == '=' ]]; then last=$((last - 1)); fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    case "$path/$word" in
      ${groups}) path="\${path:+$path }$word" ;;
    esac
  done
  case "$path/\${COMP_WORDS[last]}" in
${values}
    *) _sluice_anything ;;
  esac
}
_sluice_anything() {
  case "$path" in
${offers.join('\n')}
  esac
}
complete -F _sluice sluice
`;
}

const offerWords = (words: string): string => `_sluice_words '${words}'`;

function offer({ choices, isPath }: ValueNode): string {
  if (choices.length > 0) return offerWords(choices.join(' '));
  return isPath ? '_sluice_paths' : ':';
}
