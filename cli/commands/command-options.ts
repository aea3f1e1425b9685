import { Option } from 'commander';
import { feeds } from '../../feeds/index.ts';
import { CliError } from '../cli-error.ts';
import type { Selection } from '../dlq/select-dead.ts';
import { wholeFileId } from './file-of-id.ts';

/** What every command receives besides its own options. */
export interface GlobalOptions {
  stack?: string;
  debug?: boolean;
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

/** What `--feed`, `--file` and `--reason` select. @throws CliError if there is no such feed */
export function selectionOf({ feed, file, reason }: { feed: string; file?: string; reason?: string }): Selection {
  return { feed: requireFeed(feed), fileId: file === undefined ? undefined : wholeFileId(feed, file), reason };
}

/** @throws CliError listing the existing feeds */
export function requireFeed(name: string): string {
  if (feeds.some((feed) => feed.name === name)) return name;
  throw new CliError(`There is no feed '${name}'. Feeds: ${feeds.map((feed) => feed.name).join(', ')}.`);
}
