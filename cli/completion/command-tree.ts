import type { Argument, Command, Option } from 'commander';

/** A command, or a group of commands, as shells complete it and as the documentation lists it. */
export interface CommandNode {
  /** Its words, without the program's name: `dlq list`; empty for the program itself. */
  path: string;
  description: string;
  /** The commands of a group. */
  commands: { word: string; description: string }[];
  options: OptionNode[];
  arguments: ValueNode[];
}

/** What an argument or an option's value can be. */
export interface ValueNode {
  /** As in the help: `<file>`. */
  text: string;
  /** Empty if they can't be listed. */
  choices: readonly string[];
  /** A path on this machine. */
  isPath: boolean;
}

export interface OptionNode {
  /** `-q`, `--quiet`. */
  flags: string[];
  description: string;
  /** Undefined for a switch. */
  value: ValueNode | undefined;
  isRequired: boolean;
  /** The default value, if it is a text or a number. */
  fallback: string | undefined;
}

/** The command and all commands below it, each group before its commands. Hidden commands are left out. */
export function treeOf(command: Command, parents: readonly string[] = []): CommandNode[] {
  const help = command.createHelp();
  // `help` is a command only where it is added; the option `--help` always exists.
  const commands = help.visibleCommands(command).filter((each) => command.commands.includes(each));
  const node: CommandNode = {
    path: parents.join(' '),
    description: command.description(),
    commands: commands.map((each) => ({ word: each.name(), description: each.description() })),
    // Every command has --help; it is among the program's options.
    options: help
      .visibleOptions(command)
      .map(optionOf)
      .filter(({ flags }) => !flags.includes('--help')),
    arguments: command.registeredArguments.map(argumentOf),
  };
  return [node, ...commands.flatMap((each) => treeOf(each, [...parents, each.name()]))];
}

/** The options that every command takes. */
export function globalOptionsOf(program: Command): OptionNode[] {
  return program.createHelp().visibleOptions(program).map(optionOf);
}

function optionOf(option: Option): OptionNode {
  const { short, long, flags, required, optional, argChoices, description, mandatory } = option;
  const fallback: unknown = option.defaultValue;
  const text = /[<[].*/.exec(flags)?.[0] ?? '';
  return {
    flags: [short, long].filter((flag) => flag !== undefined),
    description,
    value: required || optional ? valueOf(text, argChoices) : undefined,
    isRequired: mandatory,
    fallback: typeof fallback === 'string' || typeof fallback === 'number' ? String(fallback) : undefined,
  };
}

function argumentOf(argument: Argument): ValueNode {
  const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
  return valueOf(argument.required ? `<${name}>` : `[${name}]`, argument.argChoices);
}

function valueOf(text: string, choices: readonly string[] = []): ValueNode {
  return { text, choices, isPath: /^[<[](file|csv|dir|files)\b(?!-)/.test(text) };
}
