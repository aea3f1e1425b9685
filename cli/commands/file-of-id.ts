import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import { nameOfFile } from '../../lambdas/core/account/file-account.ts';
import { isBareId, isFileId } from '../../lambdas/core/account/file-id.ts';
import { waitingPlaceText } from '../../lambdas/core/account/waiting-place.ts';
import type { FileLedger } from '../../lambdas/ports.ts';
import { CliError } from '../cli-error.ts';
import { deployedFeeds } from '../stack/deployed-feeds.ts';
import type { OpenStack } from '../stack/open-stack.ts';
import { formatCount, oneLine } from '../terminal/format.ts';
import { sluice } from '../terminal/sluice-command.ts';

/** What is needed to find a file. */
export interface FilesOfStack {
  ledger: Pick<FileLedger, 'getFile' | 'eachFileId'>;
  outputs: Pick<OpenStack['outputs'], 'api'>;
  target: Pick<OpenStack['target'], 'stackName'>;
}

/** Files that a message about an ambiguous id shows. */
const maxShown = 8;

/**
 * @param typed a file's id, its hex digits, or the beginning of either if no other file's id begins with it
 * @throws CliError if the ledger has no such file, or several, or a small file whose bundle is not open
 */
export async function fileOfId(stack: FilesOfStack, typed: string): Promise<FileAccount> {
  const found = await storedFileOfId(stack, typed);
  // A small file is accounted for by the bundle it was put into.
  const file = found.bundleId === undefined ? found : await stack.ledger.getFile(found.bundleId);
  if (file) return file;
  throw new CliError(waitingPlaceText(found));
}

/** The same, but a small file is itself and not its bundle. */
export async function storedFileOfId(stack: FilesOfStack, typed: string): Promise<FileAccount> {
  const deployed = deployedFeeds(stack);
  const ids = [...new Set(deployed.map((feed) => wholeFileId(feed, typed)))];
  const [found] = (await Promise.all(ids.map((id) => stack.ledger.getFile(id)))).filter((file) => file !== undefined);
  const file = found ?? (await fileThatBegins(stack, typed, deployed));
  if (file) return file;
  throw unknownFile(stack, typed);
}

function unknownFile({ target }: FilesOfStack, typed: string): CliError {
  return new CliError(`The stack ${target.stackName} has no file ${typed}; \`${sluice} status\` lists its files.`);
}

/** Adds the feed's name to an id that was typed as hex digits only; anything else is returned unchanged. */
export function wholeFileId(feed: string, typed: string): string {
  return isBareId(typed) ? `${feed}.${typed}` : typed;
}

/**
 * The file with the id that begins with this. Reads all ids, since another one may begin with it too.
 * @throws CliError listing the files if there are several
 */
async function fileThatBegins(
  { ledger }: FilesOfStack,
  typed: string,
  deployed: readonly string[],
): Promise<FileAccount | undefined> {
  if (isFileId(typed) || !/^[a-z0-9.-]+$/.test(typed)) return undefined;
  const [feed, digits] = typed.split('.');
  const named = digits === undefined ? deployed : deployed.filter((each) => each === feed);
  const matches = new Set<string>();
  for (const name of named) {
    for await (const id of ledger.eachFileId(name)) {
      if (id.startsWith(typed) || id.slice(name.length + 1).startsWith(typed)) matches.add(id);
    }
  }
  const [id, ...others] = matches;
  if (id === undefined) return undefined;
  if (others.length === 0) return ledger.getFile(id);
  throw new CliError(await ambiguity(ledger, typed, [...matches]));
}

async function ambiguity(ledger: FilesOfStack['ledger'], typed: string, ids: readonly string[]): Promise<string> {
  const files = await Promise.all(ids.slice(0, maxShown).map((id) => ledger.getFile(id)));
  const lines = files.flatMap((file) => (file ? [`  ${lineOf(file)}`] : []));
  const more = ids.length > maxShown ? [`  … and ${formatCount(ids.length - maxShown)} more`] : [];
  return [
    `${formatCount(ids.length)} files have an id that begins with ${typed}; type more of it:`,
    ...lines,
    ...more,
  ].join('\n');
}

function lineOf({ fileId, state, createdAt, source, bundle }: FileAccount): string {
  const received = new Date(createdAt).toISOString().slice(0, 16).replace('T', ' ');
  return `${fileId}  ${state}  ${received}Z  ${oneLine(nameOfFile(source.key, bundle?.members), 60)}`;
}
