import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import { followToEnd } from '../drop/follow-to-end.ts';
import { exitCodeOf } from '../show/exit-code-of.ts';
import { formatManifest, verdictOf } from '../show/manifest-table.ts';
import type { OpenStack } from '../stack/open-stack.ts';
import { flat } from '../terminal/format.ts';
import type { Terminal } from '../terminal/terminal.ts';

/** Follows a file that was stopped or released until its next manifest, and prints that. @returns the exit code */
export async function followStop(
  file: FileAccount,
  { json = false }: { json?: boolean },
  { stack, terminal }: { stack: OpenStack; terminal: Terminal },
  signal: AbortSignal,
): Promise<number> {
  const { bucket, key, etag } = file.source;
  const dropped = { feed: file.feed, bucket, key, etag, fileId: file.fileId, droppedAtMs: file.createdAt };
  const { text, manifest } = await followToEnd(dropped, stack, terminal, signal);
  if (json) {
    terminal.note(flat(verdictOf(manifest)));
    await terminal.print(text);
  } else await terminal.print(formatManifest(manifest, terminal, terminal.columns));
  return exitCodeOf(manifest);
}
