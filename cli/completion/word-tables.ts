import type { CommandNode, OptionNode, ValueNode } from './command-tree.ts';

/** The command line for a script that reads it word by word, in shells whose `case` takes the same patterns. */
export interface WordTables {
  /** The commands with the options that every command takes. */
  nodes: readonly CommandNode[];
  /** Each path with a word that leads further, as one pattern. */
  groups: string;
  /** What to offer after each flag that takes a value, as cases. */
  values: string;
}

/** @param offer the shell's code that offers such a value */
export function wordTables(
  tree: readonly CommandNode[],
  globals: readonly OptionNode[],
  offer: (value: ValueNode) => string,
): WordTables {
  const nodes = tree.map((node) => ({ ...node, options: [...node.options, ...globals] }));
  const groups = tree.flatMap(({ path, commands }) => commands.map(({ word }) => `'${path}/${word}'`));
  const values = nodes.flatMap(({ path, options }) =>
    options.flatMap(({ flags, value }) =>
      value ? flags.map((flag) => `    '${path}/${flag}') ${offer(value)} ;;`) : [],
    ),
  );
  return { nodes, groups: groups.join(' | '), values: values.join('\n') };
}
