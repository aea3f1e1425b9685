import { isoTime } from '../iso-time.ts';
import type { FileAccount } from './file-account.ts';

/** What to say about a small file whose place is in a bundle that is not open: it has no account yet. */
export function waitingPlaceText({ fileId, feed, createdAt }: FileAccount): string {
  return (
    `${fileId} is a small file that is not in an open bundle yet, so nothing of it was sent. It was read at ` +
    `${isoTime(createdAt)}; a bundle is opened within seconds, unless its splitter was killed. Then the file's ` +
    `announcement comes back, after half an hour at most, and the file gets into another bundle. If it does not, its ` +
    `announcement is in the DLQ of intake: fix what killed the splitter, then redrive that queue of the feed ${feed}.`
  );
}
