import { Argument, Command } from 'commander';
import { bashCompletion } from '../completion/bash-completion.ts';
import { globalOptionsOf, treeOf } from '../completion/command-tree.ts';
import { fishCompletion } from '../completion/fish-completion.ts';
import { zshCompletion } from '../completion/zsh-completion.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { examples } from './command-options.ts';

const shells = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const;

export function completionCommand(terminal: Terminal): Command {
  return new Command('completion')
    .description('Print a script that completes commands, options and their values in a shell.')
    .addArgument(new Argument('<shell>', 'the shell that runs the script').choices(Object.keys(shells)))
    .addHelpText(
      'after',
      examples('completion bash >> ~/.bashrc', 'completion fish > ~/.config/fish/completions/sluice.fish') +
        installHelp,
    )
    .action(async (shell: keyof typeof shells, _options, command: Command) => {
      const program = command.parent ?? command;
      const [root, ...rest] = treeOf(program);
      if (!root) return;
      // The program's own options are those that every command takes.
      await terminal.print(shells[shell]([{ ...root, options: [] }, ...rest], globalOptionsOf(program)));
    });
}

const installHelp = `

bash: add  eval "$(sluice completion bash)"  to ~/.bashrc. zsh: the same with zsh in ~/.zshrc, after compinit.
In a checkout define the command first:  alias sluice='npx sluice'`;
