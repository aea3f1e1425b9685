import { Argument, Option } from 'commander';
import { feeds } from '../../feeds/index.ts';
import { CliError } from '../cli-error.ts';
import type { Selection } from '../dlq/select-dead.ts';
import type { FilesOfStack } from './file-of-id.ts';
import { requireDeployed } from '../stack/deployed-feeds.ts';
import { fileOfId } from './file-of-id.ts';

/** What every command receives besides its own options. */
export interface GlobalOptions {
  stack?: string;
  debug?: boolean;
  quiet?: boolean;
}

/** Of a command that carries out a person's decision. */
export interface DecisionOptions extends GlobalOptions {
  why: string;
  by?: string;
  json?: boolean;
}

export const byOption = (): Option =>
  new Option('--by <who>', 'who decided it (default: your user name on this machine)');

export const jsonOption = (): Option =>
  new Option('--json', 'print one JSON document on stdout, and nothing else there');

/** `--feed`; shells complete the feeds' names. */
export function feedOption(description: string): Option {
  const option = new Option('--feed <name>', description);
  // Not with choices(): `requireFeed` refuses other names in a sentence of its own.
  option.argChoices = feeds.map(({ name }) => name);
  return option;
}

/** `<feed>`; shells complete the feeds' names. */
export function feedArgument(): Argument {
  const argument = new Argument('<feed>', "the feed's name");
  // Not with choices(): unknown names are refused in a sentence of our own.
  argument.argChoices = feeds.map(({ name }) => name);
  return argument;
}

export const fileIdArgument = (): Argument =>
  new Argument('<file-id>', "the file's id, as `status` shows it; its first digits are enough");

/** Examples for a command's help. @param lines command lines without the program's name */
export const examples = (...lines: readonly string[]): string =>
  ['', 'Examples:', ...lines.map((line) => `  sluice ${line}`)].join('\n');

/**
 * What `--feed`, `--file` and `--reason` select.
 * @throws CliError if the stack was deployed without the feed; if the ledger has no such file, or several that begin so
 */
export async function selectionOf(
  { feed, file, reason }: { feed: string; file?: string; reason?: string },
  stack: FilesOfStack,
): Promise<Selection> {
  requireDeployed(stack, feed);
  return { feed, fileId: file === undefined ? undefined : (await fileOfId(stack, file)).fileId, reason };
}

/** @throws CliError listing the existing feeds */
export function requireFeed(name: string): string {
  if (feeds.some((feed) => feed.name === name)) return name;
  throw new CliError(`There is no feed '${name}'. Feeds: ${feeds.map((feed) => feed.name).join(', ')}.`);
}
